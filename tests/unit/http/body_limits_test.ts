import { systemClock } from "../../../src/lib/clock.ts";
import { BodyLimits } from "../../../src/http/body_limits.ts";
import { assert, assertEquals } from "../../support/assert.ts";

Deno.test("the limits on a body follow from the limit on a payload", () => {
  const [small, large] = [new BodyLimits(1000, systemClock), new BodyLimits(2000, systemClock)];
  assertEquals(large.maxBytes - small.maxBytes, 6000);
  assertEquals(large.maxJsonMarks - small.maxJsonMarks, 1000);
});

Deno.test("there is room for several unfinished bodies, however large one may be", () => {
  for (const maxPayloadBytes of [1, 1_048_576, 67_108_864]) {
    const { maxBytes, unfinished } = new BodyLimits(maxPayloadBytes, systemClock);
    assert(unfinished.limit >= 4 * maxBytes, `${unfinished.limit} for ${maxBytes}`);
    assert(unfinished.limit >= 268_435_456);
  }
  assertEquals(new BodyLimits(1, systemClock, 5).unfinished.limit, 5);
});
