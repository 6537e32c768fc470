import { StreamJournal } from "../../../src/explain/stream_journal.ts";
import { assertEquals } from "../../support/assert.ts";
import { FakeClock } from "../../support/fake_clock.ts";
import { liveClient, OPENED_MS } from "../../support/hub/subscribers.ts";

function journal(entries: number, ageMs = 60_000) {
  const clock = new FakeClock();
  const log = { head: 10 };
  const limits = { entries, ageMs };
  const streamLimits = { perUser: 2, perAddress: 3 };
  const journal = new StreamJournal({ limits, streamLimits, clock, head: () => log.head });
  return { clock, log, journal };
}

function refusal(user: string | undefined, address = "10.0.0.1") {
  return {
    why: "expired",
    message: "Token refused: it has expired.",
    user,
    isVerified: true,
    channels: undefined,
    origin: { address, proxy: undefined, userAgent: "" },
  } as const;
}

function idsOf(record: { readonly streams: readonly { readonly openedMs: number }[] }): number {
  return record.streams.length;
}

Deno.test("open streams are looked at, ended ones are remembered as they were, others are not told", () => {
  const { journal: record, clock, log } = journal(10);
  const { subscriber } = liveClient("alex", ["chat", "news"]);
  const bob = liveClient("bob", ["chat"]).subscriber;
  subscriber.deliver(new TextEncoder().encode("data: 1\n\n"), 11, 11);
  const [open] = record.recordOf("alex", "news", [subscriber, bob]).streams;
  assertEquals([open?.hears, open?.end, open?.progress.position], [true, undefined, 11]);
  clock.advance(5000);
  log.head = 11;
  subscriber.end(new Uint8Array());
  record.ended(subscriber, "draining");
  const { streams } = record.recordOf("alex", "sport", [bob]);
  assertEquals(streams.map(({ hears, end }) => [hears, end]), [
    [false, { atMs: clock.wall(), reason: "draining", head: 11 }],
  ]);
  assertEquals(streams[0]?.openedMs, OPENED_MS);
  bob.end(new Uint8Array());
});

Deno.test("where no stream of a user is known, those of a name that may have been meant are", () => {
  const { journal: record } = journal(10);
  const open = ["Alex", "bob", "Alex", "alexa"].map((user) =>
    liveClient(user, ["chat"]).subscriber
  );
  const { subscriber: gone } = liveClient("alx", ["chat"]);
  gone.end(new Uint8Array());
  record.ended(gone, "client left");
  assertEquals(record.recordOf("alex", "chat", open).similarUsers, ["Alex", "alexa", "alx"]);
  assertEquals(record.recordOf("bob", "chat", open).similarUsers, []);
  for (const subscriber of open) subscriber.end(new Uint8Array());
});

Deno.test("a channel that may have been meant is among those that are named", () => {
  const { journal: record } = journal(10);
  const channels = ["a", "b", "c", "d", "e", "Chat"];
  const { subscriber } = liveClient("alex", channels);
  const namedFor = (channel: string) =>
    record.recordOf("alex", channel, [subscriber]).streams[0]?.channels;
  assertEquals(namedFor("chat"), ["Chat", "a", "b", "c", "d"]);
  assertEquals(namedFor("Chat"), ["a", "b", "c", "d", "e"]);
  subscriber.end(new Uint8Array());
});

Deno.test("beyond the limits the oldest are forgotten, and the record says where it begins", () => {
  const { journal: record, clock, log } = journal(2);
  const begun = clock.wall();
  assertEquals(record.recordOf("alex", "chat", []).beginsMs, begun);
  for (let n = 0; n < 3; n++) {
    clock.advance(1000);
    log.head++;
    const { subscriber } = liveClient("alex", ["chat"]);
    subscriber.end(new Uint8Array());
    record.ended(subscriber, "client left");
  }
  const full = record.recordOf("alex", "chat", []);
  assertEquals([full.beginsMs - begun, full.beginsAfter, idsOf(full)], [1000, 11, 2]);
  clock.advance(59_500);
  const aged = record.recordOf("alex", "chat", []);
  assertEquals([aged.beginsMs - begun, aged.beginsAfter, idsOf(aged)], [2000, 12, 1]);
});

Deno.test("refusals that repeat are one entry with a count, and many of others leave room for the newest", () => {
  const { journal: record, clock } = journal(3);
  record.refused(refusal("alex"));
  clock.advance(1000);
  record.refused(refusal("alex"));
  record.refused(refusal("alex", "10.0.0.2"));
  record.refused(refusal(undefined));
  record.refused(refusal("bob"));
  const { refusals } = record.recordOf("alex", "chat", []);
  assertEquals(refusals.map(({ user, count, origin }) => [user, count, origin?.address]), [
    ["alex", 1, "10.0.0.2"],
    [undefined, 1, "10.0.0.1"],
  ]);
  record.refused(refusal("alex", "10.0.0.2"));
  clock.advance(2000);
  record.refused(refusal("alex", "10.0.0.2"));
  const [again] = record.recordOf("alex", "chat", []).refusals;
  assertEquals([again?.count, (again?.lastMs ?? 0) - (again?.firstMs ?? 0)], [3, 2000]);
});

Deno.test("a refusal counts for the channels that its streams would have heard, as far as they are known", () => {
  const { journal: record } = journal(10);
  const hears = (channel: string) => record.recordOf("alex", channel, []).refusals[0]?.hears;
  const refuse = (channels?: readonly string[], patterns: readonly string[] = []) =>
    record.refused({ ...refusal("alex"), channels: channels && { channels, patterns } });
  refuse(["chat"]);
  refuse([], ["room-"]);
  assertEquals(["chat", "room-7", "chd"].map(hears), [true, true, false]);
  refuse(Array.from({ length: 10 }, (_, n) => `${n}`.repeat(100)));
  assertEquals(hears("chat"), undefined);
  refuse();
  assertEquals(hears("chd"), undefined);
});

Deno.test("a client that a hub rejects is a refusal of the user, if it has one", () => {
  const { journal: record } = journal(10);
  const claims = { user: "alex", channels: ["chat"], expiresAt: undefined };
  record.rejected("over the limit", claims, { lastEventId: undefined, isEventSource: true });
  record.rejected("draining", { ...claims, user: "*", isPublic: true }, {
    lastEventId: undefined,
    isEventSource: true,
  });
  const { refusals } = record.recordOf("alex", "chat", []);
  assertEquals(refusals.map(({ why, user, isVerified, hears }) => [why, user, isVerified, hears]), [
    ["over the limit", "alex", true, true],
    ["draining", undefined, false, true],
  ]);
  assertEquals(record.recordOf("alex", "chd", []).refusals[0]?.hears, false);
});

Deno.test("of a user with very many streams the newest are told, and the record begins later", () => {
  const { journal: record, clock, log } = journal(2000);
  for (let n = 0; n < 1002; n++) {
    clock.advance(1);
    log.head++;
    const { subscriber } = liveClient("alex", ["chat"]);
    subscriber.end(new Uint8Array());
    record.ended(subscriber, "client left");
  }
  const told = record.recordOf("alex", "chat", []);
  assertEquals([told.streams.length, told.beginsAfter], [1000, 12]);
  const open = Array.from({ length: 1001 }, () => liveClient("alex", ["chat"]).subscriber);
  const { streams, beginsAfter, hasMoreOpen } = record.recordOf("alex", "chat", open);
  assertEquals([streams.length, beginsAfter, hasMoreOpen], [1000, log.head, true]);
  for (const subscriber of open) subscriber.end(new Uint8Array());
});

Deno.test("streams that need no token are not remembered: anybody could push out all others with them", () => {
  const { journal: record } = journal(2);
  const { subscriber: alex } = liveClient("alex", ["chat"]);
  alex.end(new Uint8Array());
  record.ended(alex, "client left");
  for (let n = 0; n < 3; n++) {
    const { subscriber } = liveClient("*", ["news"], undefined, { isPublic: true });
    subscriber.end(new Uint8Array());
    record.ended(subscriber, "client left");
  }
  assertEquals(idsOf(record.recordOf("alex", "chat", [])), 1);
  assertEquals(idsOf(record.recordOf("*", "news", [])), 0);
});

Deno.test("names that nobody has signed push out no refusal of a name that was", () => {
  const { journal: record } = journal(3);
  record.refused(refusal("alex"));
  for (let n = 0; n < 5; n++) record.refused({ ...refusal(`user ${n}`), isVerified: false });
  const usersOf = (user: string) =>
    record.recordOf(user, "chat", []).refusals.map(({ user }) => user);
  assertEquals(["alex", "user 2", "user 3", "user 4"].map(usersOf), [
    ["alex"],
    [],
    ["user 3"],
    ["user 4"],
  ]);
  for (let n = 0; n < 3; n++) record.refused(refusal(`ann ${n}`));
  assertEquals(["alex", "user 4", "ann 0"].map(usersOf), [[], [], ["ann 0"]]);
});

Deno.test("streams of many long channel names are fewer, unless they share one list", () => {
  const { journal: record } = journal(10);
  const end = (user: string, channels: readonly string[]) => {
    const { subscriber } = liveClient(user, channels);
    subscriber.end(new Uint8Array());
    record.ended(subscriber, "client left");
  };
  const longList = (n: number) =>
    Array.from({ length: 20 }, (_, channel) => `${n} ${channel}`.padEnd(50, "."));
  const shared = longList(0);
  for (let n = 0; n < 10; n++) end("alex", shared);
  assertEquals(idsOf(record.recordOf("alex", "chat", [])), 10);
  // Each takes some 2,600 bytes, and 10 entries may take 10,000.
  for (let n = 0; n < 10; n++) end("ann", longList(n));
  assertEquals(["alex", "ann"].map((user) => idsOf(record.recordOf(user, "chat", []))), [0, 3]);
});
