import type { RecipientCounts } from "../broker.ts";

/** How many subscribers of this process each event of a call was handed to, by the event's seq. */
export type CountsBySeq = ReadonlyMap<number, number>;

interface Expected {
  counts: CountsBySeq | undefined;
  onRecorded: (counts: CountsBySeq) => void;
}

/**
 * Where the follower notes how many subscribers got the events of a call, for the publisher that made the
 * call. Either may be first: the feed can bring the events before Redis has answered the call.
 */
export class Deliveries {
  readonly #expected = new Map<string, Expected>();

  /** To be said before the call is sent; until it is forgotten. */
  expect(call: string): void {
    this.#expected.set(call, { counts: undefined, onRecorded: () => {} });
  }

  /**
   * The events of a call were handed out. Calls that nobody expects are those of other servers.
   *
   * @param counts one for each event.
   */
  record(call: string, events: readonly { readonly seq: number }[], counts: RecipientCounts): void {
    const expected = this.#expected.get(call);
    if (expected === undefined) return;
    expected.counts = new Map(events.map(({ seq }, index) => [seq, counts[index] ?? 0]));
    expected.onRecorded(expected.counts);
  }

  /** The counts of an expected call, where its events were handed out already. */
  countsOf(call: string): CountsBySeq | undefined {
    return this.#expected.get(call)?.counts;
  }

  /** Waits for the counts of an expected call; no counts where they do not come within `ms` milliseconds. */
  async wait(call: string, ms: number): Promise<CountsBySeq> {
    const expected = this.#expected.get(call);
    if (expected === undefined) return new Map();
    if (expected.counts !== undefined) return expected.counts;
    return await new Promise((resolve) => {
      const deadline = setTimeout(() => resolve(new Map()), ms);
      expected.onRecorded = (counts) => {
        clearTimeout(deadline);
        resolve(counts);
      };
    });
  }

  /** The counts of the call are of no more use. */
  forget(call: string): void {
    this.#expected.delete(call);
  }
}
