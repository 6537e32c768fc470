import { MAX_REMOVED_USERS } from "../../../src/broker/log.ts";
import { UserHorizons } from "../../../src/broker/user_horizons.ts";
import { assertEquals } from "../../support/assert.ts";

Deno.test("a user's horizon is the last seq that was removed", () => {
  const horizons = new UserHorizons();
  assertEquals(horizons.of("ann"), -1);
  horizons.raise("ann", 5);
  horizons.raise("ann", 3);
  assertEquals([horizons.of("ann"), horizons.of("bob")], [5, -1]);
});

Deno.test("past the limit the user whose removal is longest ago is forgotten, and its horizon is everyone's", () => {
  const horizons = new UserHorizons();
  for (let n = 0; n < MAX_REMOVED_USERS; n++) horizons.raise(`user ${n}`, 10 + n);
  horizons.raise("user 0", 11);
  assertEquals(horizons.of("stranger"), -1);
  horizons.raise("one more", 1_000_000);
  assertEquals(horizons.of("stranger"), 11, "that of user 1");
  assertEquals([horizons.of("user 1"), horizons.of("user 0"), horizons.of("user 2")], [11, 11, 12]);
});
