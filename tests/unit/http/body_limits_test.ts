import { systemClock } from "../../../src/lib/clock.ts";
import { BodyLimits } from "../../../src/http/body_limits.ts";
import { appendFailure } from "../../../src/http/read_body.ts";
import { assertEquals, assertMatch } from "../../support/assert.ts";

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

Deno.test("who finds no room is told which flag sets it", () => {
  const refusalBy = (maxUnfinishedBytes: number) => {
    const limits = BodyLimits.ofServer({ maxPayloadBytes: 1000, maxUnfinishedBytes }, systemClock);
    return appendFailure("Body", "no room", limits).reason;
  };
  assertMatch(
    refusalBy(1),
    /take 286144 bytes together, which is the limit \(four bodies of the largest size by -max-payload; -max-unfinished-bytes is less\)/,
  );
  assertMatch(
    refusalBy(300_000),
    /take 300000 bytes together, which is the limit \(-max-unfinished-bytes\)/,
  );
});
