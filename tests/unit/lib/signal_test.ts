import { Signal } from "../../../src/lib/signal.ts";
import { assertEquals } from "../../support/assert.ts";

const LONG = 1_000_000;

Deno.test("every waiting caller goes on at a notification, and no timer is left", async () => {
  const signal = new Signal();
  const waits = [signal.wait(LONG), signal.wait(LONG)];
  signal.notify();
  await Promise.all(waits);
});

Deno.test("a caller goes on after its time, even without a notification", async () => {
  await new Signal().wait(1);
});

Deno.test("an earlier notification does not count for a later caller", async () => {
  const signal = new Signal();
  signal.notify();
  let waited = false;
  const wait = signal.wait(LONG).then(() => waited = true);
  await new Promise((resolve) => setTimeout(resolve, 0));
  assertEquals(waited, false);
  signal.notify();
  await wait;
});

Deno.test("a caller that waits again at once waits for the next notification", async () => {
  const signal = new Signal();
  let times = 0;
  const waiting = (async () => {
    for (; times < 3; times++) await signal.wait(LONG);
  })();
  for (let round = 1; round <= 3; round++) {
    signal.notify();
    await new Promise((resolve) => setTimeout(resolve, 0));
    assertEquals(times, round);
  }
  await waiting;
});
