import { MemoryLog } from "../../../src/broker/memory_log.ts";
import type { Retention } from "../../../src/broker/retention.ts";
import { assert, assertEquals, assertMatch } from "../../support/assert.ts";
import { eventAt } from "../../support/store/naive_log.ts";
import { ROOMY } from "../../support/store/stores.ts";

const START_MS = 1_700_000_000_000;
const START_SEQ = START_MS * 1000;

/** Ann, who hears one channel. */
const ANN = { user: "ann", channels: ["red"] };

/** A log whose clock the test sets. */
function logWith(retention: Partial<Retention>) {
  const clock = { nowMs: START_MS };
  const log = new MemoryLog({ ...ROOMY, ...retention }, () => clock.nowMs);
  return { log, clock };
}

function append(log: MemoryLog, count: number, channel = "red"): void {
  const first = Math.max(log.last + 1, START_SEQ);
  const events = Array.from({ length: count }, (_, n) => eventAt(first + n, channel));
  log.append([{ events, key: undefined }]);
}

/** How many events a reader from the start is given. */
function retained(log: MemoryLog): number {
  const reader = log.openReader(ANN, { position: -1, gapReportedThrough: -1 });
  const batch = reader.next(2 ** 30);
  reader.close();
  assert(batch?.reachesHead);
  return batch.events.length;
}

function remember(log: MemoryLog, key: string): void {
  const seq = Math.max(log.last + 1, START_SEQ);
  const record = { key, fingerprint: "f", seq, subscribers: 0 };
  log.append([{ events: [eventAt(seq, "red")], key: record }]);
}

Deno.test("events that come of age together are dropped a thousand at a time", () => {
  const { log, clock } = logWith({ ageMs: 60_000 });
  append(log, 2500);
  assertEquals(retained(log), 2500);
  clock.nowMs += 100_000;
  // A reader has to ask again until all of them are gone: it never gives one that is past its age.
  const reader = log.openReader(ANN, { position: -1, gapReportedThrough: -1 });
  const asks = Array.from({ length: 3 }, () => reader.next(1e9));
  reader.close();
  assertEquals(asks.map((batch) => batch?.events.length), [undefined, undefined, 0]);
});

Deno.test("what is too much is dropped at once, however much it is", () => {
  const { log } = logWith({ totalBytes: 1000 });
  append(log, 5000);
  assert(retained(log) <= 4, "more than fits");
  const { log: other } = logWith({ eventsPerChannel: 2 });
  append(other, 5000);
  assertEquals(retained(other), 2);
});

Deno.test("a key past its age is not recalled, though it is still held", () => {
  const { log, clock } = logWith({ ageMs: 60_000 });
  for (let n = 0; n < 2500; n++) remember(log, `key ${n}`);
  assertEquals(log.recall("key 2499")?.seq, START_SEQ + 2499);
  clock.nowMs += 100_000;
  // The first look forgets a thousand of them.
  assertEquals(log.recall("key 2499"), undefined);
  clock.nowMs -= 100_000;
  assertEquals(log.recall("key 999"), undefined);
  assertEquals(log.recall("key 1000")?.seq, START_SEQ + 1000);
});

Deno.test("a key that comes again after its time stands for the new event", () => {
  const { log, clock } = logWith({ ageMs: 60_000 });
  remember(log, "key");
  clock.nowMs += 100_000;
  const seq = clock.nowMs * 1000;
  const record = { key: "key", fingerprint: "other", seq, subscribers: 0 };
  log.append([{ events: [eventAt(seq, "red")], key: record }]);
  assertEquals(log.recall("key"), record);
});

Deno.test("a key that has come again keeps none of the older ones from being forgotten", () => {
  const { log, clock } = logWith({ ageMs: 60_000 });
  for (let n = 0; n < 1500; n++) remember(log, `key ${n}`);
  clock.nowMs += 100_000;
  // Among the last five hundred, which are still held after the first look.
  assertEquals(log.recall("key 1200"), undefined);
  const seq = clock.nowMs * 1000;
  const record = { key: "key 1200", fingerprint: "other", seq, subscribers: 0 };
  log.append([{ events: [eventAt(seq, "red")], key: record }]);
  log.recall("any");
  clock.nowMs -= 100_000;
  assertEquals([log.recall("key 1200"), log.recall("key 1499")], [record, undefined]);
});

Deno.test("the count of a receipt is kept with its key, and unknown keys are left alone", () => {
  const { log } = logWith({});
  remember(log, "key");
  log.saveRecipientCounts(new Map([["key", 3], ["unknown", 5]]));
  assertEquals([log.recall("key")?.subscribers, log.recall("unknown")], [3, undefined]);
});

Deno.test("a log knows whether a subscription may have missed something after a position", () => {
  const { log } = logWith({ eventsPerChannel: 2 });
  append(log, 3);
  append(log, 1, "blue");
  const both = { user: "ann", channels: ["blue", "red"] };
  for (const subscription of [ANN, both]) {
    assertEquals([START_SEQ - 1, START_SEQ].map((at) => log.hasGap(subscription, at)), [
      true,
      false,
    ]);
  }
  assertEquals(log.hasGap({ user: "ann", channels: ["blue", "green"] }, 0), false);
});

Deno.test("nobody can tell what came before a log that begins at a place", () => {
  const log = new MemoryLog(ROOMY, () => START_MS, { seq: 7, epoch: "abcdef" });
  assertEquals([log.last, log.epoch], [7, "abcdef"]);
  assertEquals([log.hasGap(ANN, 6), log.hasGap(ANN, 7)], [true, false]);
  append(log, 1);
  assertEquals([log.hasGap(ANN, 6), log.hasGap(ANN, 7)], [true, false]);
});

Deno.test("a log of its own begins at 0 and has a name that no other has", () => {
  const [one, other] = [logWith({}).log, logWith({}).log];
  assertEquals(one.last, 0);
  assertMatch(one.epoch, /^[a-z0-9]{6}$/);
  assert(one.epoch !== other.epoch, "two logs of one name");
});

Deno.test("a channel that drops much by number keeps no other from its age", () => {
  const { log, clock } = logWith({ eventsPerChannel: 5, ageMs: 60_000 });
  append(log, 3);
  for (let n = 0; n < 100; n++) append(log, 100, "busy");
  assertEquals(retained(log), 3);
  clock.nowMs += 100_000;
  assertEquals(retained(log), 0);
});
