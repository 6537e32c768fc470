/** How many values fell into each range: plain data. */
export interface HistogramCounts {
  /** One for each bound, of the values up to it and above the one before; the last is of those above all bounds. */
  readonly counts: readonly number[];
  /** The sum of all values. */
  readonly sum: number;
}

/** Counts values by ranges that are given once. Adding takes some nanoseconds, and no memory. */
export class Histogram {
  readonly #bounds: readonly number[];
  readonly #counts: Float64Array;
  #sum = 0;

  /** @param bounds the upper ends of the ranges, ascending; there is one more range, above them. */
  constructor(bounds: readonly number[]) {
    this.#bounds = bounds;
    this.#counts = new Float64Array(bounds.length + 1);
  }

  /** Counts a value `times` times. */
  add(value: number, times = 1): void {
    const bounds = this.#bounds;
    let range = 0;
    while (range < bounds.length && value > (bounds[range] as number)) range++;
    this.#counts[range] = (this.#counts[range] as number) + times;
    this.#sum += value * times;
  }

  get counts(): HistogramCounts {
    return { counts: [...this.#counts], sum: this.#sum };
  }
}

/**
 * The value below which a share of all values lies, such as 0.99, if the values of a range are spread evenly in
 * it, as Prometheus takes it too. The highest bound if it lies above; `undefined` if there are no values.
 *
 * @param bounds those of the histogram.
 */
export function quantileOf(
  { counts }: HistogramCounts,
  bounds: readonly number[],
  share: number,
): number | undefined {
  const total = counts.reduce((sum, count) => sum + count, 0);
  if (total === 0) return undefined;
  let left = share * total;
  for (const [range, count] of counts.entries()) {
    const upper = bounds[range];
    if (upper === undefined) break;
    const lower = bounds[range - 1] ?? 0;
    if (count > 0 && left <= count) return lower + (upper - lower) * left / count;
    left -= count;
  }
  return bounds.at(-1);
}
