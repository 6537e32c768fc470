import { systemClock } from "../../../src/lib/clock.ts";
import { BodyLimits } from "../../../src/http/body_limits.ts";
import { assertEquals } from "../../support/assert.ts";

Deno.test("the limits on a body follow from the limit on a payload", () => {
  const [small, large] = [new BodyLimits(1000, systemClock), new BodyLimits(2000, systemClock)];
  assertEquals(large.maxBytes - small.maxBytes, 6000);
  assertEquals(large.maxJsonMarks - small.maxJsonMarks, 1000);
});

Deno.test("a server has the room for unfinished bodies that it is given, and for four of the largest at least", () => {
  const roomFor = (maxPayloadBytes: number, maxUnfinishedBytes: number) =>
    BodyLimits.ofServer({ maxPayloadBytes, maxUnfinishedBytes }, systemClock).unfinished.limit;
  assertEquals(roomFor(1_048_576, 268_435_456), 268_435_456);
  for (const maxPayloadBytes of [1, 1_048_576, 67_108_864]) {
    const { maxBytes } = new BodyLimits(maxPayloadBytes, systemClock);
    assertEquals(roomFor(maxPayloadBytes, 5), 4 * maxBytes);
  }
});
