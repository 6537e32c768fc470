/**
 * What publishers were told is published, and whether a client got it: all of it that is for him,
 * once, in order, and nothing else.
 *
 * @module
 */
import { Counter } from "./counter.ts";
import type { ReceivedEvent } from "./sse_client.ts";

/** An event whose emit was answered. */
export interface AcknowledgedEvent {
  readonly id: string;
  readonly channel: string;
  /** Its user, or `*`. */
  readonly userId: string;
  readonly data: string;
}

/** Whose events a client hears. */
export interface Hearer {
  readonly channels: readonly string[];
  readonly userId: string;
}

/** A client, as far as this module looks at it. */
export interface Recipient extends Hearer {
  readonly name: string;
  readonly received: readonly ReceivedEvent[];
}

const SHOWN = 5;

/** Every event whose emit was answered. */
export class Ledger {
  readonly #events = new Map<string, AcknowledgedEvent>();
  readonly acknowledged = new Counter("acknowledged events");

  /**
   * Notes an answered emit.
   *
   * @throws {Error} if its id was given to another event before.
   */
  add(event: AcknowledgedEvent): void {
    const same = this.#events.get(event.id);
    if (same !== undefined) {
      throw new Error(`id ${event.id} was given to ${same.data} and then to ${event.data}`);
    }
    this.#events.set(event.id, event);
    this.acknowledged.add();
  }

  /** What a hearer must get, in the order in which it must come. */
  heardBy(hearer: Hearer): AcknowledgedEvent[] {
    return [...this.#events.values()]
      .filter(({ channel, userId }) =>
        hearer.channels.includes(channel) && (userId === "*" || userId === hearer.userId)
      ).sort((one, other) => compare(one.id, other.id));
  }

  /**
   * Checks that a recipient got what it hears: everything, once, in order, and nothing else, not
   * even word of a gap.
   *
   * @throws {Error} naming the first events that are missing, came again, out of order, or unasked.
   */
  assertComplete(recipient: Recipient): void {
    const expected = this.heardBy(recipient);
    const faults = faultsOf(recipient.received, expected);
    if (faults.length === 0) return;
    throw new Error(
      `${recipient.name} was to get ${expected.length} events and got ${recipient.received.length}; ` +
        faults.join("; "),
    );
  }
}

/** Says in words what is wrong with what was received; an empty list for nothing. */
export function faultsOf(
  received: readonly ReceivedEvent[],
  expected: readonly Pick<AcknowledgedEvent, "id" | "data">[],
): string[] {
  const faults: string[] = [];
  const report = (fault: string, events: readonly { id: string; data: string }[]) => {
    if (events.length === 0) return;
    const shown = events.slice(0, SHOWN).map(({ id, data }) => `${id} (${data.slice(0, 60)})`);
    faults.push(`${events.length} ${fault}: ${shown.join(", ")}`);
  };
  const expectedData = new Map(expected.map(({ id, data }) => [id, data]));
  const seen = new Set<string>();
  const doubled: ReceivedEvent[] = [];
  for (const event of received) {
    if (seen.has(event.id)) doubled.push(event);
    seen.add(event.id);
  }
  report("missing", expected.filter(({ id }) => !seen.has(id)));
  report("twice", doubled);
  report("gaps", received.filter(({ event }) => event === "gap"));
  report(
    "unexpected",
    received.filter(({ id, event, data }) => event !== "gap" && expectedData.get(id) !== data),
  );
  report(
    "out of order",
    received.filter(({ id }, index) => id < (received[index - 1]?.id ?? "")),
  );
  return faults;
}

function compare(one: string, other: string): number {
  return one < other ? -1 : one > other ? 1 : 0;
}
