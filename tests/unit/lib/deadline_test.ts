import { within } from "../../../src/lib/deadline.ts";
import { assertEquals, assertRejects } from "../../support/assert.ts";

const NEVER = new Promise<never>(() => {});
const LONG = 1_000_000;

function unexpected(): never {
  throw new Error("called though the work was done in time");
}

Deno.test("work that is done in time has its own outcome, and leaves no timer", async () => {
  assertEquals(await within(LONG, Promise.resolve(1), unexpected), 1);
  assertEquals(await within(0, Promise.resolve(1), unexpected), 1);
  const failing = Promise.reject(new Error("failed by itself"));
  await assertRejects(() => within(LONG, failing, unexpected), /failed by itself/);
});

Deno.test("late work is not waited for, and the caller supplies the outcome", async () => {
  assertEquals(await within(1, NEVER, () => "late"), "late");
  const refuse = () => {
    throw new Error("no answer");
  };
  await assertRejects(() => within(1, NEVER, refuse), /no answer/);
});

Deno.test("a failure after the deadline is ignored", async () => {
  const work = Promise.withResolvers<void>();
  assertEquals(await within(1, work.promise, () => "late"), "late");
  work.reject(new Error("too late to matter"));
  await Promise.resolve();
});
