import { Channel } from "../../../src/hub/channel.ts";
import type { Subscriber } from "../../../src/hub/subscriber.ts";
import { SubscriberGroup } from "../../../src/hub/subscriber_group.ts";
import { assertEquals } from "../../support/assert.ts";
import { liveClient } from "../../support/hub/subscribers.ts";
import { eventAt } from "../../support/store/naive_log.ts";

/** Above the number of channels with which a group is counted in each of them. */
const MANY = Array.from({ length: 33 }, (_, n) => n === 0 ? "red" : `channel ${n}`);

/** A group with so many subscribers. */
function group(user: string, count: number, channels: readonly string[] = ["red"]) {
  const group = new SubscriberGroup({ user, channels, expiresAt: undefined });
  for (let n = 0; n < count; n++) group.subscribers.add(liveClient(user, channels).subscriber);
  return group;
}

/** The subscribers that a flush would visit. */
function visited(channel: Channel): Subscriber[] {
  return [...channel.beginFlush()].flatMap(({ subscribers }) => [...subscribers]);
}

function seqs(events: readonly { readonly seq: number }[]): number[] {
  return events.map(({ seq }) => seq);
}

Deno.test("a channel counts the subscribers of its groups, however many channels they hear", () => {
  const channel = new Channel();
  assertEquals([channel.size, channel.isEmpty], [0, true]);
  const [ann, bob, many] = [group("ann", 2), group("bob", 1), group("ann", 4, MANY)];
  for (const one of [ann, bob, many]) channel.add(one);
  assertEquals([channel.size, channel.isEmpty], [7, false]);
  // Of groups that hear many channels it sees by itself how many they are.
  many.subscribers.add(liveClient("ann", MANY).subscriber);
  channel.count(3);
  assertEquals(channel.size, 11);
  channel.count(-3);
  for (const one of [many, ann, ann]) channel.remove(one);
  assertEquals([channel.size, channel.isEmpty], [1, false]);
  channel.remove(bob);
  assertEquals([channel.size, channel.isEmpty], [0, true]);
});

Deno.test("an event is for all, or for those of its user, and their number is answered", () => {
  const channel = new Channel();
  const groups = [group("ann", 2), group("ann", 3, MANY), group("bob", 1)];
  for (const one of groups) channel.add(one);
  assertEquals(
    ["*", "ann", "bob", "cleo"].map((user, n) => channel.take(eventAt(n + 1, "red", user))),
    [
      6,
      5,
      1,
      0,
    ],
  );
  channel.remove(groups[1] as SubscriberGroup);
  assertEquals(channel.take(eventAt(5, "red", "ann")), 2);
});

Deno.test("a flush for everyone visits all, and one for a user only those that are addressed", () => {
  const channel = new Channel();
  const [ann, bob] = [group("ann", 2), group("bob", 1)];
  for (const one of [ann, bob]) channel.add(one);
  channel.take(eventAt(1, "red", "ann"));
  assertEquals(visited(channel), [...ann.subscribers]);
  channel.endFlush();
  channel.take(eventAt(2, "red"));
  channel.take(eventAt(3, "red", "bob"));
  assertEquals(visited(channel), [...ann.subscribers, ...bob.subscribers]);
  channel.endFlush();
  assertEquals(visited(channel), []);
});

Deno.test("an event for a user waits at each live subscriber of it, and at no other", () => {
  const channel = new Channel();
  const ann = group("ann", 2);
  const [live, behind] = [...ann.subscribers];
  behind?.interrupt(0);
  channel.add(ann);
  assertEquals(channel.take(eventAt(1, "red", "ann")), 2);
  assertEquals([live?.hasPending, behind?.hasPending], [true, false]);
  assertEquals(visited(channel), [live as Subscriber]);
});

Deno.test("what came for everyone is unsent until the flush that sends it has ended", () => {
  const channel = new Channel();
  channel.add(group("ann", 1));
  assertEquals([channel.isFlushed, channel.hasPending], [true, false]);
  channel.take(eventAt(1, "red"));
  assertEquals([seqs(channel.unsent), channel.isFlushed, channel.hasPending], [[1], false, true]);
  channel.beginFlush();
  assertEquals([channel.isFlushed, channel.hasPending], [false, false]);
  channel.take(eventAt(2, "red"));
  assertEquals([seqs(channel.unsent), channel.hasPending], [[1, 2], true]);
  channel.endFlush();
  assertEquals([seqs(channel.unsent), channel.isFlushed], [[2], false]);
  channel.beginFlush();
  channel.endFlush();
  assertEquals([seqs(channel.unsent), channel.isFlushed, channel.hasPending], [[], true, false]);
});

Deno.test("an event for a user alone calls for another flush, once", () => {
  const channel = new Channel();
  channel.add(group("ann", 1));
  channel.take(eventAt(1, "red", "ann"));
  assertEquals([channel.hasPending, channel.isFlushed], [true, true]);
  channel.beginFlush();
  assertEquals(channel.hasPending, false);
});
