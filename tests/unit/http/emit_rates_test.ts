import { ControlRights } from "../../../src/auth/control_rights.ts";
import { Caller } from "../../../src/http/caller.ts";
import { EmitRates } from "../../../src/http/emit_rates.ts";
import { TooManyEmits } from "../../../src/lib/errors.ts";
import { assert, assertEquals } from "../../support/assert.ts";
import { FakeClock } from "../../support/fake_clock.ts";

const callerOf = (keyName: string | undefined) => new Caller(keyName, () => ControlRights.all);

/** How many emits of a caller are let through, up to the first that is not. */
function countTaken(rates: EmitRates, caller: Caller): number {
  for (let taken = 0;; taken++) {
    try {
      rates.take(caller, 1);
    } catch (error) {
      assert(error instanceof TooManyEmits);
      return taken;
    }
  }
}

Deno.test("each key has a limit of its own, which its name stands for; those without a key share one", () => {
  const clock = new FakeClock();
  const rates = new EmitRates(5, clock);
  for (const name of ["shop", "office", undefined]) {
    assertEquals(countTaken(rates, callerOf(name)), 5);
    assertEquals(countTaken(rates, callerOf(name)), 0);
  }
  clock.advance(400);
  assertEquals(countTaken(rates, callerOf("shop")), 2);
  clock.advance(60_000);
  assertEquals(countTaken(rates, callerOf("shop")), 5);
  assertEquals(rates.refused, 8);
});

Deno.test("to look whether there is room takes none", () => {
  const rates = new EmitRates(1, new FakeClock());
  for (let n = 0; n < 10; n++) rates.check(Caller.anyone);
  assertEquals(countTaken(rates, Caller.anyone), 1);
});

Deno.test("an emit of many events passes once, and those after it wait as long as they take, up to six seconds", () => {
  const clock = new FakeClock();
  const rates = new EmitRates(10, clock);
  rates.take(Caller.anyone, 35);
  const told = () => {
    try {
      rates.check(Caller.anyone);
      return undefined;
    } catch (error) {
      return (error as TooManyEmits).headers["Retry-After"];
    }
  };
  assertEquals(told(), "3");
  clock.advance(2000);
  assertEquals(told(), "1");
  clock.advance(600);
  assertEquals(told(), undefined);
  rates.take(Caller.anyone, 1000);
  assertEquals(told(), "6");
});
