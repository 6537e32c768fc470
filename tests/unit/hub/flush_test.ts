import { Channels } from "../../../src/hub/channels.ts";
import { Flush } from "../../../src/hub/flush.ts";
import { HubCounters } from "../../../src/hub/stream_counts.ts";
import { assertEquals } from "../../support/assert.ts";
import { settle } from "../../support/hub/fake_time.ts";
import { type LiveClient, liveClient } from "../../support/hub/subscribers.ts";
import { eventAt } from "../../support/store/naive_log.ts";

/** The channels of some live clients. */
function channelsOf(...clients: readonly LiveClient[]): Channels {
  const channels = new Channels();
  for (const { subscriber } of clients) channels.add(subscriber);
  return channels;
}

function take(channels: Channels, seq: number, channel: string, user = "*"): void {
  channels.get(channel)?.take(eventAt(seq, channel, user));
}

/** Begins to send what waits in a channel. */
function begin(channels: Channels, name: string, counters = new HubCounters()): Flush {
  const channel = channels.get(name);
  if (channel === undefined) throw new Error(`nobody hears ${name}`);
  return new Flush(channel, channels, { wall: () => 0, steady: () => 0 }, counters);
}

Deno.test("a flush sends all that waits in one chunk, to each subscriber what is for it, in order", async () => {
  const clients = [liveClient("ann", ["red"]), liveClient("bob", ["red"])] as const;
  const channels = channelsOf(...clients);
  take(channels, 1, "red");
  take(channels, 2, "red", "ann");
  take(channels, 3, "red");
  const flush = begin(channels, "red");
  assertEquals([flush.run(Infinity), flush.isDone], [2, true]);
  await settle();
  assertEquals(clients.map(({ chunks }) => chunks), [["1 2 3"], ["1 3"]]);
  assertEquals(clients.map(({ subscriber }) => subscriber.position), [3, 3]);
});

Deno.test("a flush visits no more subscribers at a time than it may, and says when it is through", async () => {
  const clients = Array.from({ length: 5 }, () => liveClient("ann", ["red"]));
  const channels = channelsOf(...clients);
  take(channels, 1, "red");
  const flush = begin(channels, "red");
  const served: number[] = [];
  for (let isOver = false; !isOver;) {
    flush.run(2);
    isOver = flush.isDone;
    await settle();
    served.push(clients.filter(({ chunks }) => chunks.length > 0).length);
  }
  assertEquals(served, [2, 4, 5]);
  assertEquals(channels.get("red")?.isFlushed, true);
});

Deno.test("one channel's event does not overtake what waits in another", async () => {
  for (const names of [["red", "blue"], ["blue", "red"]]) {
    const client = liveClient("ann", names);
    const channels = channelsOf(client);
    take(channels, 1, "red");
    take(channels, 2, "blue");
    begin(channels, "blue").run(Infinity);
    await settle();
    assertEquals(client.chunks, ["1 2"], `${names}`);
  }
});

Deno.test("nor does what is for everyone overtake what is for a user alone", async () => {
  const client = liveClient("ann", ["red", "blue"]);
  const channels = channelsOf(client);
  take(channels, 1, "red", "ann");
  take(channels, 2, "blue");
  take(channels, 3, "red", "ann");
  begin(channels, "blue").run(Infinity);
  await settle();
  assertEquals(client.chunks, ["1 2 3"]);
  // The other channel's flush has nothing left for it.
  begin(channels, "red").run(Infinity);
  await settle();
  assertEquals([client.chunks, client.subscriber.position], [["1 2 3"], 3]);
});

Deno.test("an event that is addressed to a subscriber while a flush is under way keeps its place", async () => {
  const [first, second] = [liveClient("ann", ["red"]), liveClient("bob", ["red"])];
  const channels = channelsOf(first, second);
  take(channels, 1, "red");
  const flush = begin(channels, "red");
  flush.run(1);
  take(channels, 2, "red");
  take(channels, 3, "red", "bob");
  flush.run(Infinity);
  begin(channels, "red").run(Infinity);
  await settle();
  assertEquals([first.chunks, second.chunks], [["1", "2"], ["1 2 3"]]);
});

Deno.test("an event that comes while a flush is under way goes to the rest with it, to the others after it", async () => {
  const clients = Array.from({ length: 6 }, () => liveClient("ann", ["red"]));
  const channels = channelsOf(...clients);
  take(channels, 1, "red");
  const flush = begin(channels, "red");
  for (const seq of [2, 3]) {
    flush.run(2);
    take(channels, seq, "red");
  }
  flush.run(Infinity);
  await settle();
  const expected = [["1"], ["1 2"], ["1 2 3"]];
  assertEquals(clients.map(({ chunks }) => chunks), expected.flatMap((each) => [each, each]));
  begin(channels, "red").run(Infinity);
  await settle();
  const after = [["1", "2 3"], ["1 2", "3"], ["1 2 3"]];
  assertEquals(clients.map(({ chunks }) => chunks), after.flatMap((each) => [each, each]));
  assertEquals(channels.get("red")?.isFlushed, true);
});

Deno.test("whoever came after an event, or was given it by history, is not sent it again", async () => {
  const [early, late, half] = [1, 2, 3].map(() => liveClient("ann", ["red"]));
  if (!early || !late || !half) throw new Error("no clients");
  const channels = channelsOf(early, late, half);
  take(channels, 1, "red");
  take(channels, 2, "red");
  late.subscriber.replay(new Uint8Array(), 2, 2);
  half.subscriber.replay(new Uint8Array(), 1, 1);
  begin(channels, "red").run(Infinity);
  await settle();
  assertEquals([early.chunks, late.chunks, half.chunks], [["1 2"], [], ["2"]]);
});

Deno.test("a subscriber that is behind is not pushed to, and one that has ended is not either", async () => {
  const [behind, ended, live] = [1, 2, 3].map(() => liveClient("ann", ["red"]));
  if (!behind || !ended || !live) throw new Error("no clients");
  const channels = channelsOf(behind, ended, live);
  behind.subscriber.interrupt(0);
  ended.subscriber.end(new Uint8Array());
  take(channels, 1, "red");
  begin(channels, "red").run(Infinity);
  await settle();
  assertEquals([behind.chunks, ended.chunks, live.chunks], [[], [], ["1"]]);
});

/** The bytes that subscribers will be given, in order. */
function watchBytes(clients: readonly LiveClient[]): readonly Uint8Array[] {
  const given: Uint8Array[] = [];
  for (const { subscriber } of clients) {
    const deliver = subscriber.deliver.bind(subscriber);
    subscriber.deliver = (bytes, ...place) => {
      given.push(bytes);
      return deliver(bytes, ...place);
    };
  }
  return given;
}

Deno.test("subscribers of the same channels are given the very same bytes", () => {
  const clients = [["red", "blue"], ["blue", "red"], ["red", "blue"]].map((names) =>
    liveClient("ann", names)
  );
  const given = watchBytes(clients);
  const channels = channelsOf(...clients);
  take(channels, 1, "red");
  take(channels, 2, "blue");
  const flush = begin(channels, "red");
  // In a later turn too.
  flush.run(2);
  flush.run(Infinity);
  assertEquals([given.length, new Set(given).size], [3, 1]);
});

Deno.test("so are those that lack the same of what came while a flush was under way", () => {
  const clients = Array.from({ length: 6 }, () => liveClient("ann", ["red"]));
  const channels = channelsOf(...clients);
  take(channels, 1, "red");
  const flush = begin(channels, "red");
  flush.run(3);
  take(channels, 2, "red");
  flush.run(Infinity);
  take(channels, 3, "red");
  const given = watchBytes(clients);
  begin(channels, "red").run(Infinity);
  assertEquals(given.map((bytes) => given.indexOf(bytes)), [0, 0, 0, 3, 3, 3]);
});

Deno.test("a burst to many channels looks at all of a subscriber's channels once, not once for each", async () => {
  const names = Array.from({ length: 40 }, (_, n) => `c${n}`);
  const client = liveClient("ann", names);
  const channels = channelsOf(client);
  names.forEach((name, n) => take(channels, n + 1, name));
  let lookedAt = 0;
  channels.get = (name) => {
    lookedAt++;
    return Channels.prototype.get.call(channels, name);
  };
  for (const name of names) begin(channels, name).run(Infinity);
  await settle();
  const begun = names.length;
  assertEquals([client.chunks.length, lookedAt - begun], [1, names.length]);
});

Deno.test("what a flush hands over in several turns counts once for each subscriber", () => {
  const clients = Array.from({ length: 7 }, () => liveClient("ann", ["red"]));
  const channels = channelsOf(...clients);
  const counters = new HubCounters();
  take(channels, 1, "red");
  take(channels, 2, "red", "ann");
  const flush = begin(channels, "red", counters);
  const counted: number[] = [];
  while (!flush.isDone) {
    flush.run(2);
    counted.push(counters.counts.deliveries);
  }
  assertEquals(counted, [4, 8, 12, 14]);
  take(channels, 3, "red");
  const next = begin(channels, "red", counters);
  next.run(3);
  // Comes in between: those that are left get both.
  take(channels, 4, "red");
  next.run(2);
  next.run(Infinity);
  begin(channels, "red", counters).run(Infinity);
  const { deliveries, delays } = counters.counts;
  assertEquals([deliveries, delays.counts.reduce((sum, count) => sum + count, 0)], [28, 28]);
});
