import type { Outcome, Publication } from "./broker.ts";
import { Gathering } from "./gathering.ts";
import { takeBatch } from "./take_batch.ts";

/** As many events take about 10 ms of SQLite, in which all else waits. */
const LIMITS = { events: 500, length: 2 ** 20 };

/** One outcome per publication; a promise where the number of recipients comes later. */
export type Outcomes = readonly (Outcome | Promise<Outcome>)[];

interface Call {
  readonly publications: readonly Publication[];
  readonly resolve: (outcomes: readonly Outcome[] | Promise<readonly Outcome[]>) => void;
  readonly reject: (error: unknown) => void;
}

/**
 * Gathers what is published in one turn of the event loop, for a log that appends many events at once
 * for little more than one. While one batch is published, the next comes together, and the publishers of
 * one batch are awaited for the next: under load the batches grow instead of their number. A call that
 * comes alone waits for no other.
 */
export class PublishQueue {
  readonly #publish: (publications: readonly Publication[]) => Outcomes;
  readonly #publishTogether: (publications: readonly Publication[]) => Outcomes | undefined;
  #calls: Call[] = [];
  #isScheduled = false;
  /** How many calls came last time: so many are awaited, unless it was one. */
  #expected = 1;
  readonly #gathering = new Gathering();
  /** How many of the first calls have failed together, and are published one by one. */
  #alone = 0;

  /**
   * @param publish publishes one call.
   * @param publishTogether publishes several; `undefined` if the store cannot take them all, and has
   *   taken none.
   */
  constructor(
    publish: (publications: readonly Publication[]) => Outcomes,
    publishTogether: (publications: readonly Publication[]) => Outcomes | undefined,
  ) {
    this.#publish = publish;
    this.#publishTogether = publishTogether;
  }

  /** Publishes at the end of this turn; see `Broker.publish`. */
  publish(publications: readonly Publication[]): Promise<readonly Outcome[]> {
    return new Promise((resolve, reject) => {
      this.#calls.push({ publications, resolve, reject });
      if (!this.#isScheduled) this.#schedule();
      else this.#gathering.arrived(this.#calls.length);
    });
  }

  /** Publishes now what still waits. */
  flush(): void {
    this.#gathering.end();
    while (this.#calls.length > 0) this.#publishBatch();
  }

  async #schedule(): Promise<void> {
    this.#isScheduled = true;
    if (this.#expected > 1) await this.#gathering.wait(this.#expected);
    // A microtask would be too early: the runtime resolves each request's body in a task of its own.
    setImmediate(() => this.#publishNext());
  }

  #publishNext(): void {
    this.#expected = Math.max(1, this.#calls.length);
    this.#publishBatch();
    this.#isScheduled = this.#calls.length > 0;
    // With a timer other work has its turn; the runtime runs some ten immediates in a row.
    if (this.#isScheduled) setTimeout(() => this.#publishNext(), 0);
  }

  #publishBatch(): void {
    const calls = this.#takeBatch();
    try {
      const outcomes = this.#outcomesOf(calls);
      if (outcomes !== undefined) answer(calls, outcomes);
      else {
        // What the store refuses to one, such as more space, need not be refused to the others.
        this.#calls = [...calls, ...this.#calls];
        this.#alone = calls.length;
      }
    } catch (error) {
      for (const { reject } of calls) reject(error);
    }
  }

  #outcomesOf(calls: readonly Call[]): Outcomes | undefined {
    const publications = calls.flatMap((call) => call.publications);
    return calls.length > 1 ? this.#publishTogether(publications) : this.#publish(publications);
  }

  #takeBatch(): readonly Call[] {
    if (this.#alone > 0) {
      this.#alone--;
      return this.#calls.splice(0, 1);
    }
    return takeBatch(
      this.#calls,
      ({ publications }) => publications.flatMap(({ drafts }) => drafts),
      LIMITS,
    );
  }
}

function answer(calls: readonly Call[], outcomes: Outcomes): void {
  let start = 0;
  for (const { publications, resolve } of calls) {
    resolve(settled(outcomes.slice(start, start += publications.length)));
  }
}

/** The outcomes, once all are known. */
export function settled(outcomes: Outcomes): readonly Outcome[] | Promise<readonly Outcome[]> {
  const isLate = outcomes.some((outcome) => outcome instanceof Promise);
  return isLate ? Promise.all(outcomes) : outcomes as readonly Outcome[];
}
