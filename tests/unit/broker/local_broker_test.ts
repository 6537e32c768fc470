import { setImmediate } from "node:timers";
import type { Broker, Outcome, RecipientCounts } from "../../../src/broker/broker.ts";
import { LocalBroker } from "../../../src/broker/local_broker.ts";
import { MemoryLog } from "../../../src/broker/memory_log.ts";
import { KeyReused, StoreUnavailable } from "../../../src/lib/errors.ts";
import { createLogger } from "../../../src/observability/logger.ts";
import { assert, assertEquals } from "../../support/assert.ts";
import { publication, receiptOf } from "../../support/hub/rig.ts";
import { ROOMY, SqliteStore, testEachBroker } from "../../support/store/stores.ts";

const now = () => 1_000_000_000_000;

/** A broker whose log fails while `reason` is set, and the lines that it logs. */
function failingBroker() {
  const log = new MemoryLog(ROOMY, now);
  const append = log.append.bind(log);
  const state = { reason: undefined as Error | undefined, lines: [] as string[] };
  log.append = (entries) => {
    if (state.reason !== undefined) throw state.reason;
    append(entries);
  };
  const logger = createLogger("debug", now, (line) => state.lines.push(line.slice(25)));
  return { broker: new LocalBroker(log, now, logger), state };
}

function emit(broker: LocalBroker): Promise<readonly Outcome[]> {
  return broker.publish([
    publication("red", "*", ["data: 1"]),
    publication("red", "*", ["data: 2"]),
  ]);
}

Deno.test("a store that fails is logged once when it begins, and once when it ends", async () => {
  const { broker, state } = failingBroker();
  await emit(broker);
  assertEquals([broker.unavailableReason, state.lines], [undefined, []]);
  state.reason = new StoreUnavailable(
    "Cannot append to the store: disk full. Nothing was delivered.",
  );
  for (let n = 0; n < 3; n++) {
    assert((await emit(broker)).every((outcome) => outcome instanceof StoreUnavailable));
  }
  assertEquals(broker.unavailableReason, "Cannot append to the store: disk full");
  state.reason = undefined;
  for (let n = 0; n < 3; n++) await emit(broker);
  assertEquals(broker.unavailableReason, undefined);
  assertEquals(state.lines, [
    'error store unavailable error="Cannot append to the store: disk full. Nothing was delivered."',
    "info store available again",
  ]);
});

Deno.test("an unexpected error of the store is reported as the store's failure too", async () => {
  const { broker, state } = failingBroker();
  state.reason = new TypeError("no such thing");
  const [outcome] = await emit(broker);
  assert(outcome instanceof StoreUnavailable);
  assertEquals(outcome.message, "Cannot use the store: no such thing. Nothing was delivered.");
});

/** The counts of one delivery, which the test gives when it likes. */
interface LateDelivery {
  readonly datas: readonly string[];
  readonly answer: (counts: RecipientCounts) => void;
}

/** Has a broker deliver to recipients that are counted later, as those of other threads are. */
function answerLate(broker: Broker): LateDelivery[] {
  const deliveries: LateDelivery[] = [];
  broker.follow({
    removed: () => {},
    deliver: (events) => {
      const { promise, resolve } = Promise.withResolvers<RecipientCounts>();
      const datas = events.map(({ bytes }) =>
        new TextDecoder().decode(bytes).split("\n", 1)[0] ?? ""
      );
      deliveries.push({ datas, answer: resolve });
      return promise;
    },
    restart: () => {},
  });
  return deliveries;
}

function nextTurn(): Promise<void> {
  return new Promise((resolve) => setImmediate(() => resolve()));
}

function emitOne(broker: Broker, data: string, key?: string): Promise<readonly Outcome[]> {
  return broker.publish([publication("red", "*", [`data: ${data}`], key)]);
}

function isAnswered(outcomes: Promise<unknown>): Promise<boolean> {
  return Promise.race([outcomes.then(() => true), nextTurn().then(() => false)]);
}

const clock = { wall: now, steady: () => 0 };
const LOCAL = ["memory", "sqlite"] as const;

testEachBroker(
  "each receipt waits for the counts of its own events, in any order",
  async (store) => {
    const broker = await store.open(ROOMY, clock);
    const deliveries = answerLate(broker);
    const first = broker.publish([
      publication("red", "*", ["data: 1", "data: 2"]),
      publication("red", "*", ["data: 3"]),
    ]);
    await nextTurn();
    const second = emitOne(broker, "4");
    await nextTurn();
    assertEquals(deliveries.map(({ datas }) => datas), [["data: 1", "data: 2", "data: 3"], [
      "data: 4",
    ]]);
    deliveries[1]?.answer([9]);
    assertEquals((await second).map((outcome) => receiptOf(outcome).subscribers), [9]);
    assertEquals(await isAnswered(first), false);
    deliveries[0]?.answer([2, 5, 1]);
    assertEquals((await first).map((outcome) => receiptOf(outcome).subscribers), [5, 1]);
  },
  LOCAL,
);

testEachBroker(
  "a retry gets the receipt of the first, whose recipients are still counted",
  async (store) => {
    const broker = await store.open(ROOMY, clock);
    const deliveries = answerLate(broker);
    const emits = [emitOne(broker, "x", "k"), emitOne(broker, "x", "k")];
    await nextTurn();
    emits.push(emitOne(broker, "x", "k"));
    const [reused] = await emitOne(broker, "y", "k");
    assert(reused instanceof KeyReused);
    for (const emit of emits) assertEquals(await isAnswered(emit), false);
    assertEquals(deliveries.length, 1);
    deliveries[0]?.answer([7]);
    const [first, ...retries] = (await Promise.all(emits)).flat().map(receiptOf);
    assertEquals(first?.subscribers, 7);
    for (const retry of retries) assertEquals(retry, first);
    assertEquals(receiptOf((await emitOne(broker, "x", "k"))[0]), first, "the count was stored");
    assertEquals(deliveries.length, 1);
  },
  LOCAL,
);

testEachBroker("a retry that waits does not hold up what was published with it", async (store) => {
  const broker = await store.open(ROOMY, clock);
  const deliveries = answerLate(broker);
  const first = emitOne(broker, "x", "k");
  await nextTurn();
  const [retry, other] = [emitOne(broker, "x", "k"), emitOne(broker, "y")];
  await nextTurn();
  deliveries[1]?.answer([1]);
  assertEquals(receiptOf((await other)[0]).subscribers, 1);
  assertEquals(await isAnswered(retry), false);
  deliveries[0]?.answer([2]);
  assertEquals(await retry, await first);
}, LOCAL);

testEachBroker("a broker that is closed answers what was published before", async (store) => {
  const broker = await store.open(ROOMY, clock);
  const deliveries = answerLate(broker);
  const first = emitOne(broker, "1", "k");
  await nextTurn();
  const second = emitOne(broker, "2");
  await broker.close();
  for (const { answer } of deliveries) answer([3]);
  for (const emit of [first, second]) assertEquals(receiptOf((await emit)[0]).subscribers, 3);
}, LOCAL);

Deno.test("with SQLite what comes in one turn is one transaction and one delivery", async () => {
  await using store = await SqliteStore.make();
  const broker = await store.open(ROOMY, clock);
  const deliveries: number[] = [];
  broker.follow({
    removed: () => {},
    deliver: (events) => {
      deliveries.push(events.length);
      return events.map(() => 1);
    },
    restart: () => {},
  });
  const emits = ["1", "2", "3"].map((data) => emitOne(broker, data));
  assertEquals(deliveries, []);
  const ids = (await Promise.all(emits)).map(([outcome]) => receiptOf(outcome).id);
  assertEquals(deliveries, [3]);
  assertEquals(ids.toSorted(), ids);
  assertEquals(new Set(ids).size, 3);
});

Deno.test("with SQLite an emit that does not fit fails alone", async () => {
  await using store = await SqliteStore.make();
  const broker = await store.open(ROOMY, clock);
  await emitOne(broker, "before");
  const [small, large, other] = await store.whileFull(() =>
    Promise.all([
      emitOne(broker, "small", "small"),
      emitOne(broker, "x".repeat(500_000), "large"),
      emitOne(broker, "other"),
    ])
  );
  assert(large?.[0] instanceof StoreUnavailable, String(large?.[0]));
  assertEquals(receiptOf((await emitOne(broker, "small", "small"))[0]), receiptOf(small?.[0]));
  receiptOf(other?.[0]);
  receiptOf((await emitOne(broker, "x".repeat(500_000), "large"))[0]);
});
