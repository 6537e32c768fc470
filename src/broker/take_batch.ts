import type { Draft } from "../sse/event.ts";

/** What a batch holds at most, unless its first item alone has more. */
export interface BatchLimits {
  readonly events: number;
  /** Characters of the events' blocks. */
  readonly length: number;
}

/** Takes the first items off a list, as many as fit into a batch, but at least one. */
export function takeBatch<T>(
  items: T[],
  draftsOf: (item: T) => readonly Draft[],
  limits: BatchLimits,
): readonly T[] {
  let count = 0;
  let events = 0;
  let length = 0;
  for (const item of items) {
    for (const { block } of draftsOf(item)) {
      events++;
      length += block.length;
    }
    if (count > 0 && (events > limits.events || length > limits.length)) break;
    count++;
  }
  return items.splice(0, count);
}
