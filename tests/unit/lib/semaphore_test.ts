import { Semaphore } from "../../../src/lib/semaphore.ts";
import { assertEquals, assertRejects } from "../../support/assert.ts";

/** Lets everything run that can without anybody's doing. */
async function settle(): Promise<void> {
  await new Promise((resolve) => setTimeout(resolve, 0));
}

Deno.test("no more than so many work at a time, and the others in the order in which they came", async () => {
  const semaphore = new Semaphore(2);
  const started: number[] = [];
  const work = Array.from({ length: 5 }, () => Promise.withResolvers<number>());
  const results = work.map(({ promise }, n) =>
    semaphore.run(() => {
      started.push(n);
      return promise;
    })
  );
  await settle();
  assertEquals(started, [0, 1]);
  work[1]?.resolve(1);
  await settle();
  assertEquals(started, [0, 1, 2]);
  for (const [n, { resolve }] of work.entries()) resolve(n);
  assertEquals(await Promise.all(results), [0, 1, 2, 3, 4]);
  assertEquals(started, [0, 1, 2, 3, 4]);
});

Deno.test("work that fails, at once or later, gives its turn to the next", async () => {
  const semaphore = new Semaphore(1);
  const failures = [
    () => {
      throw new Error("at once");
    },
    () => Promise.reject(new Error("later")),
  ];
  const failed = failures.map((work) => semaphore.run(work));
  const next = semaphore.run(() => Promise.resolve("done"));
  await assertRejects(() => failed[0] as Promise<never>, /at once/);
  await assertRejects(() => failed[1] as Promise<never>, /later/);
  assertEquals(await next, "done");
  assertEquals(await semaphore.run(() => Promise.resolve("again")), "again");
});
