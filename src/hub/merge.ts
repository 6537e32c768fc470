import type { ServerEvent } from "../words/event.ts";

/** Gives the n-th event of one ordered source, from 0; `undefined` past its end. */
export type Source = (n: number) => ServerEvent | undefined;

/**
 * The first events of several ordered sources, in order of their seq.
 *
 * Stops once it has `maxBytes`, which one event may exceed. `complete` says that no source has more.
 */
export function mergeBySeq(
  sources: readonly Source[],
  maxBytes: number,
): { readonly events: readonly ServerEvent[]; readonly complete: boolean } {
  const heads = sources.map((source) => ({
    source,
    next: 1,
    event: source(0),
  }));
  const events: ServerEvent[] = [];
  let bytes = 0;
  while (true) {
    let first: typeof heads[number] | undefined;
    for (const head of heads) {
      if (head.event === undefined) continue;
      if (first?.event === undefined || head.event.seq < first.event.seq) {
        first = head;
      }
    }
    if (first?.event === undefined) return { events, complete: true };
    if (events.length > 0 && bytes + first.event.bytes.length > maxBytes) {
      return { events, complete: false };
    }
    events.push(first.event);
    bytes += first.event.bytes.length;
    first.event = first.source(first.next++);
  }
}
