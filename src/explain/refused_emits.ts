import type { Clock } from "../lib/clock.ts";
import { Deque } from "../lib/deque.ts";
import type { HttpError } from "../lib/errors.ts";
import { isName } from "../lib/names.ts";
import type { JournalLimits } from "./journal_limits.ts";
import type { RefusedEmit } from "./records.ts";

/** What a refused emit was about, as far as it was read. */
export interface EmitTarget {
  readonly channel?: string | undefined;
  readonly user?: string | undefined;
}

const LONGEST_REASON = 200;

/** One question is answered with no more. */
const MAX_ANSWERED = 20;

/** Remembers emits that were refused, as long as its limits allow. It keeps nothing of a payload. */
export class RefusedEmits {
  readonly #limits: JournalLimits;
  readonly #clock: Pick<Clock, "wall">;
  readonly #entries = new Deque<RefusedEmit>();
  readonly #noted = new WeakSet<HttpError>();

  constructor(limits: JournalLimits, clock: Pick<Clock, "wall">) {
    this.#limits = limits;
    this.#clock = clock;
  }

  /** Notes an emit that is answered with an error, unless that was done where more was known. */
  noteOnce(error: HttpError, keyName: string | undefined): void {
    if (!this.#noted.has(error)) this.note(error, keyName);
  }

  /** Notes an emit that is answered with an error. */
  note(error: HttpError, keyName: string | undefined, target?: EmitTarget): void {
    this.#noted.add(error);
    this.#entries.push({
      atMs: this.#clock.wall(),
      status: error.status,
      reason: error.reason.slice(0, LONGEST_REASON),
      keyName,
      channel: nameOf(target?.channel),
      user: nameOf(target?.user),
    });
    this.#trim();
  }

  /** The newest that may have been for a channel, and were refused in a time; oldest first. */
  between(fromMs: number, toMs: number, channel: string): readonly RefusedEmit[] {
    this.#trim();
    const found: RefusedEmit[] = [];
    for (let n = this.#entries.length - 1; n >= 0 && found.length < MAX_ANSWERED; n--) {
      const entry = this.#entries.at(n);
      if (entry === undefined || entry.atMs < fromMs || entry.atMs > toMs) continue;
      if (entry.channel === undefined || entry.channel === channel) found.push(entry);
    }
    return found.reverse();
  }

  #trim(): void {
    const { entries, ageMs } = this.#limits;
    const oldest = this.#clock.wall() - ageMs;
    while (this.#entries.length > entries || (this.#entries.first?.atMs ?? oldest) < oldest) {
      this.#entries.shift();
    }
  }
}

function nameOf(text: string | undefined): string | undefined {
  return text !== undefined && isName(text) ? text : undefined;
}
