import { Deque } from "../../../src/lib/deque.ts";
import { assertEquals } from "../../support/assert.ts";

function filled(count: number): Deque<number> {
  const deque = new Deque<number>();
  for (let n = 0; n < count; n++) deque.push(n);
  return deque;
}

Deno.test("the first item in is the first out, and an empty queue gives nothing", () => {
  const deque = filled(3);
  assertEquals([deque.shift(), deque.shift(), deque.shift(), deque.shift()], [0, 1, 2, undefined]);
  assertEquals([deque.length, deque.first], [0, undefined]);
  deque.push(9);
  assertEquals([deque.length, deque.first, deque.shift()], [1, 9, 9]);
});

Deno.test("many pushes and shifts keep order, length and indexes", () => {
  const deque = new Deque<number>();
  const expected: number[] = [];
  // Sizes that rise and fall across the point at which the queue cuts off its empty front.
  for (let step = 0; step < 2000; step++) {
    if ((step * 7919) % 100 < (step % 400 < 200 ? 70 : 30)) {
      deque.push(step);
      expected.push(step);
    } else assertEquals(deque.shift(), expected.shift());
    assertEquals(deque.length, expected.length);
    assertEquals(deque.first, expected[0]);
    assertEquals(deque.at(deque.length - 1), expected.at(-1));
    assertEquals(deque.at(deque.length), undefined);
  }
});

Deno.test("the first item past a bound is found wherever it stands", () => {
  for (const count of [0, 1, 2, 50]) {
    for (const gone of [0, 1, 20, 40]) {
      const deque = filled(count);
      for (let n = 0; n < gone; n++) deque.shift();
      for (let bound = -1; bound <= count; bound++) {
        const expected = Math.min(Math.max(bound - gone, 0), deque.length);
        assertEquals(deque.firstIndex((n) => n >= bound), expected, `${count} ${gone} ${bound}`);
      }
    }
  }
});

Deno.test("a filtered queue has the items that pass, in order, and is a queue of its own", () => {
  const deque = new Deque<number>();
  for (let n = 0; n < 40; n++) deque.push(n);
  for (let n = 0; n < 21; n++) deque.shift();
  const even = deque.filter((n) => n % 2 === 0);
  assertEquals([even.first, even.length, even.at(9)], [22, 9, undefined]);
  even.push(7);
  assertEquals([even.at(9), deque.length, deque.first], [7, 19, 21]);
});
