/** Gives the n-th item of one ordered source, from 0; `undefined` past its end. */
export type Source<T> = (n: number) => T | undefined;

/**
 * The first items of several ordered sources, in order of their seq.
 *
 * Stops once it has `maxBytes`, which one item may exceed. `complete` says that no source has more.
 */
export function mergeBySeq<T extends { readonly seq: number }>(
  sources: readonly Source<T>[],
  sizeOf: (item: T) => number,
  maxBytes: number,
): { readonly items: readonly T[]; readonly complete: boolean } {
  const heads = sources.map((source) => ({ source, next: 1, item: source(0) }));
  const items: T[] = [];
  let bytes = 0;
  while (true) {
    let first: typeof heads[number] | undefined;
    for (const head of heads) {
      if (head.item === undefined) continue;
      if (first?.item === undefined || head.item.seq < first.item.seq) first = head;
    }
    if (first?.item === undefined) return { items, complete: true };
    bytes += sizeOf(first.item);
    if (items.length > 0 && bytes > maxBytes) return { items, complete: false };
    items.push(first.item);
    first.item = first.source(first.next++);
  }
}
