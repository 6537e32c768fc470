/** Plain data of numbers alone. */
export type Summable = number | readonly Summable[] | { readonly [name: string]: Summable };

/** Adds up plain data of one shape, number by number: the shape of the first is that of the sum. */
export function sumOf<Counts>(first: Counts, ...others: readonly Counts[]): Counts {
  return others.reduce((sum, counts) => add(sum as Summable, counts as Summable) as Counts, first);
}

function add(one: Summable, other: Summable): Summable {
  if (typeof one === "number") return one + (other as number);
  if (Array.isArray(one)) {
    return one.map((part, n) => add(part, (other as readonly Summable[])[n] as Summable));
  }
  const parts = Object.entries(one as { readonly [name: string]: Summable });
  const others = other as { readonly [name: string]: Summable };
  return Object.fromEntries(parts.map(([name, part]) => [name, add(part, others[name] ?? 0)]));
}
