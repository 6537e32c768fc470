import {
  FIRST_PAUSE_MS,
  longerPause,
  LONGEST_PAUSE_MS,
  scattered,
} from "../../../src/lib/backoff.ts";
import { assert, assertEquals } from "../../support/assert.ts";

Deno.test("pauses double up to the longest", () => {
  const pauses = [FIRST_PAUSE_MS];
  while (pauses.length < 8) pauses.push(longerPause(pauses.at(-1) ?? 0));
  assertEquals(pauses, [100, 200, 400, 800, 1600, 3000, 3000, 3000]);
  assertEquals(pauses.at(-1), LONGEST_PAUSE_MS);
});

Deno.test("pauses are scattered between half and one and a half times", () => {
  const pauses = Array.from({ length: 1000 }, () => scattered(100));
  assert(pauses.every((ms) => ms >= 50 && ms < 150));
  assert(pauses.some((ms) => ms < 75) && pauses.some((ms) => ms > 125));
});
