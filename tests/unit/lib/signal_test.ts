import { Signal } from "../../../src/lib/signal.ts";
import { assertEquals } from "../../support/assert.ts";

const LONG = 1_000_000;

Deno.test("all that wait go on when it happens, and no timer is left", async () => {
  const signal = new Signal();
  const waits = [signal.wait(LONG), signal.wait(LONG)];
  signal.notify();
  await Promise.all(waits);
});

Deno.test("whoever waits for a time goes on after it, though nothing happens", async () => {
  await new Signal().wait(1);
});

Deno.test("what has happened before counts for nobody who waits after it", async () => {
  const signal = new Signal();
  signal.notify();
  let waited = false;
  const wait = signal.wait(LONG).then(() => waited = true);
  await new Promise((resolve) => setTimeout(resolve, 0));
  assertEquals(waited, false);
  signal.notify();
  await wait;
});

Deno.test("one that waits again as soon as it goes on waits for the next time", async () => {
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
