import { SourceHeap } from "../../../src/broker/source_heap.ts";
import { assertEquals } from "../../support/assert.ts";
import { withSeeds } from "../../support/seeded_random.ts";

Deno.test("an empty heap has no first, and to take it away does nothing", () => {
  const heap = new SourceHeap();
  heap.removeFirst();
  assertEquals(heap.first, undefined);
  heap.push({ next: 1 });
  heap.removeFirst();
  assertEquals(heap.first, undefined);
});

Deno.test("the source with the smallest next is first, whatever comes, goes and moves on", async () => {
  await withSeeds(50, (random) => {
    const heap = new SourceHeap<{ next: number }>();
    const present: { next: number }[] = [];
    for (let step = 0; step < 200; step++) {
      const { first } = heap;
      switch (random.pick(["push", "push", "remove", "settle", "settle"])) {
        case "push": {
          const item = { next: random.between(0, 50) };
          heap.push(item);
          present.push(item);
          break;
        }
        case "remove":
          heap.removeFirst();
          if (first !== undefined) present.splice(present.indexOf(first), 1);
          break;
        case "settle":
          if (first === undefined) break;
          first.next += random.between(0, 20);
          heap.settleFirst();
      }
      const least = present.length === 0 ? undefined : Math.min(...present.map(({ next }) => next));
      assertEquals(heap.first?.next, least);
    }
    const left: number[] = [];
    for (let { first } = heap; first !== undefined; first = heap.first) {
      left.push(first.next);
      heap.removeFirst();
    }
    assertEquals(left, present.map(({ next }) => next).toSorted((one, other) => one - other));
    return Promise.resolve();
  });
});
