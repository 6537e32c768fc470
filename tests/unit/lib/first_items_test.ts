import { compare, FirstItems } from "../../../src/lib/first_items.ts";
import { assertEquals } from "../../support/assert.ts";
import { withSeeds } from "../../support/seeded_random.ts";

type Item = readonly [key: number, id: number];

function order([one, oneId]: Item, [other, otherId]: Item): number {
  return compare(one, other) || compare(oneId, otherId);
}

Deno.test("the first of many items are those that come first when all are sorted", async () => {
  await withSeeds(300, (random) => {
    const most = random.pick([1, 2, 3, random.between(4, 200)]);
    const keys = random.pick([1, 5, 1e6]);
    const items = Array.from(
      { length: random.between(0, 1000) },
      (_, id): Item => [random.between(0, keys), id],
    );
    const ordered = random.chance(0.2) ? items.toSorted(order) : random.shuffled(items);
    const first = new FirstItems(most, order);
    for (const item of ordered) first.add(item);
    assertEquals(first.sorted(), items.toSorted(order).slice(0, most));
    return Promise.resolve();
  });
});

Deno.test("texts are compared by their units, numbers by their size", () => {
  assertEquals(["b", "a", "B", "ä", "10", "9"].sort(compare), ["10", "9", "B", "a", "b", "ä"]);
  assertEquals([10, 9, -1, 9].sort(compare), [-1, 9, 9, 10]);
});
