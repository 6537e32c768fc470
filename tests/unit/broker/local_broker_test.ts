import type { Outcome } from "../../../src/broker/broker.ts";
import { LocalBroker } from "../../../src/broker/local_broker.ts";
import { MemoryLog } from "../../../src/broker/memory_log.ts";
import { StoreUnavailable } from "../../../src/lib/errors.ts";
import { createLogger } from "../../../src/observability/logger.ts";
import { assert, assertEquals } from "../../support/assert.ts";
import { publication } from "../../support/hub/rig.ts";
import { ROOMY } from "../../support/store/stores.ts";

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
