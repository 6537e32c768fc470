import { Channel } from "../../../src/hub/channel.ts";
import type { Subscriber } from "../../../src/hub/subscriber.ts";
import { SubscriberGroup } from "../../../src/hub/subscriber_group.ts";
import { assertEquals } from "../../support/assert.ts";
import { liveClient } from "../../support/hub/subscribers.ts";
import { eventAt } from "../../support/store/naive_log.ts";

/** Enough that the streams of one token are a group. */
const MANY = Array.from({ length: 33 }, (_, n) => n === 0 ? "red" : `channel ${n}`);

function subscribersOf(user: string, count: number, channels = ["red"]): Subscriber[] {
  return Array.from({ length: count }, () => liveClient(user, channels).subscriber);
}

function groupOf(user: string, count: number): SubscriberGroup {
  const [first, ...others] = subscribersOf(user, count, MANY);
  const group = new SubscriberGroup(first as Subscriber);
  for (const subscriber of [first as Subscriber, ...others]) group.subscribers.add(subscriber);
  return group;
}

/** A channel with subscribers of its own and groups. */
function channelWith(
  subscribers: readonly Subscriber[],
  groups: readonly SubscriberGroup[] = [],
): Channel {
  const channel = new Channel();
  for (const subscriber of subscribers) channel.add(subscriber);
  for (const group of groups) channel.addGroup(group);
  return channel;
}

/** The subscribers that a flush would visit. */
function visited(channel: Channel): Subscriber[] {
  return channel.beginFlush().flatMap((subscribers) => [...subscribers]);
}

function seqs(events: readonly { readonly seq: number }[]): number[] {
  return events.map(({ seq }) => seq);
}

Deno.test("a channel is empty once its last subscriber and its last group are gone", () => {
  const [ann] = subscribersOf("ann", 1);
  const group = groupOf("bob", 2);
  const channel = new Channel();
  assertEquals(channel.isEmpty, true);
  channel.add(ann as Subscriber);
  channel.addGroup(group);
  channel.remove(ann as Subscriber);
  assertEquals(channel.isEmpty, false);
  channel.removeGroup(group);
  assertEquals(channel.isEmpty, true);
});

Deno.test("an event is for everyone, or for one user, and the number of its recipients is answered", () => {
  const ann = subscribersOf("ann", 2);
  const groups = [groupOf("ann", 3), groupOf("cleo", 4)];
  const channel = channelWith([...ann, ...subscribersOf("bob", 1)], groups);
  const users = ["*", "ann", "bob", "cleo", "dora"];
  assertEquals(
    users.map((user, n) => channel.take(eventAt(n + 1, "red", user))),
    [10, 5, 1, 4, 0],
  );
  channel.remove(ann[0] as Subscriber);
  channel.removeGroup(groups[0] as SubscriberGroup);
  groups[1]?.subscribers.add(liveClient("cleo", MANY).subscriber);
  assertEquals(
    users.map((user, n) => channel.take(eventAt(n + 6, "red", user))),
    [7, 1, 1, 5, 0],
  );
});

Deno.test("a flush for everyone visits all, and one for a user only those that are addressed", () => {
  const [ann, bob, group] = [subscribersOf("ann", 2), subscribersOf("bob", 1), groupOf("bob", 2)];
  const channel = channelWith([...ann, ...bob], [group]);
  channel.take(eventAt(1, "red", "ann"));
  assertEquals(visited(channel), ann);
  channel.endFlush();
  channel.take(eventAt(2, "red", "bob"));
  assertEquals(visited(channel), [...bob, ...group.subscribers]);
  channel.endFlush();
  channel.take(eventAt(3, "red"));
  channel.take(eventAt(4, "red", "bob"));
  assertEquals(visited(channel), [...ann, ...bob, ...group.subscribers]);
  channel.endFlush();
  assertEquals(visited(channel), []);
});

Deno.test("an event for a user waits at each live subscriber of the user, and at no other", () => {
  const [live, behind] = subscribersOf("ann", 2) as [Subscriber, Subscriber];
  behind.interrupt(0);
  const channel = channelWith([live, behind]);
  assertEquals(channel.take(eventAt(1, "red", "ann")), 2);
  assertEquals([live.hasPending, behind.hasPending], [true, false]);
  assertEquals(visited(channel), [live]);
});

Deno.test("an event for everyone is unsent until the flush that sends it has ended", () => {
  const channel = channelWith(subscribersOf("ann", 1));
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
  const channel = channelWith(subscribersOf("ann", 1));
  channel.take(eventAt(1, "red", "ann"));
  assertEquals([channel.hasPending, channel.isFlushed], [true, true]);
  channel.beginFlush();
  assertEquals(channel.hasPending, false);
});
