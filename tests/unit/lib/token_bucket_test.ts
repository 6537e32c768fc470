import { TokenBucket } from "../../../src/lib/token_bucket.ts";
import { assertEquals } from "../../support/assert.ts";
import { FakeClock } from "../../support/fake_clock.ts";

Deno.test("tokens come evenly, and no more of them wait than come in a second", () => {
  const clock = new FakeClock();
  const bucket = new TokenBucket(10, () => clock.steady());
  assertEquals(bucket.level, 10);
  clock.advance(60_000);
  assertEquals(bucket.level, 10);
  bucket.take(10);
  assertEquals([bucket.level, bucket.msUntil(1)], [0, 100]);
  clock.advance(50);
  assertEquals([bucket.level, bucket.msUntil(1)], [0.5, 50]);
  clock.stepWall(-1e9);
  assertEquals(bucket.level, 0.5);
});

Deno.test("more can be taken than there are, and come back first", () => {
  const clock = new FakeClock();
  const bucket = new TokenBucket(10, () => clock.steady());
  bucket.take(35);
  assertEquals([bucket.level, bucket.msUntil(1)], [-25, 2600]);
  clock.advance(2600);
  assertEquals([bucket.level, bucket.msUntil(1)], [1, 0]);
  bucket.take(1000);
  assertEquals([bucket.level, bucket.msUntil(1)], [-50, 5100]);
});
