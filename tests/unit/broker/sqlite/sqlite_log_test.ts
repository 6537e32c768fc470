import { StoreUnavailable } from "../../../../src/lib/errors.ts";
import { assert, assertEquals } from "../../../support/assert.ts";
import { eventAt, LOGS } from "../../../support/store/naive_log.ts";
import { ROOMY } from "../../../support/store/stores.ts";

Deno.test("an append that fails changes nothing, for the log nor for the readers that are open", () => {
  const make = LOGS["sqlite"];
  assert(make);
  using open = make({ ...ROOMY, ageMs: Infinity, eventsPerChannel: 2 }, () => 0);
  const { log } = open;
  const append = (...events: ReturnType<typeof eventAt>[]) =>
    log.append([{ events, key: undefined }]);
  append(eventAt(1, "red"), eventAt(2, "red"));
  const subscription = { user: "ann", channels: ["red", "blue"] };
  const reader = log.openReader(subscription, { position: 0, gapReportedThrough: 0 });
  assertEquals(reader.next(1)?.through, 1);
  let failure: unknown;
  open.whileFull(() => {
    try {
      // The first would have dropped one that the reader has still to give.
      append(eventAt(3, "red"), eventAt(4, "red"), eventAt(5, "blue", "*", 1_000_000));
    } catch (error) {
      failure = error;
    }
  });
  assert(failure instanceof StoreUnavailable, `a full store, not ${failure}`);
  assertEquals(log.last, 2);
  append(eventAt(6, "blue"));
  const { events, gap, reachesHead } = reader.next(2 ** 30) ?? {};
  assertEquals([events?.map(({ seq }) => seq), gap, reachesHead], [[2, 6], undefined, true]);
  reader.close();
});
