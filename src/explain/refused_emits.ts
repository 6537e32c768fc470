import type { Clock } from "../lib/clock.ts";
import { Deque } from "../lib/deque.ts";
import type { HttpError } from "../lib/errors.ts";
import { isName } from "../lib/names.ts";
import { ownText } from "../lib/own_text.ts";
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

/** A record is of no longer time: so that it tells when an emit was refused, and is dropped in time. */
const LONGEST_SPAN_MS = 600_000;

/**
 * Remembers emits that were refused, as long as its limits allow. It keeps nothing of a payload. Emits of one
 * key that are refused for the same reason are one record, and where there are too many records, the key that
 * has most of them loses its oldest: no key can push out what is known of another.
 */
export class RefusedEmits {
  readonly #limits: JournalLimits;
  readonly #clock: Pick<Clock, "wall">;
  /** By the name of the control key: names are the operator's, and so there are few. */
  readonly #byKey = new Map<string | undefined, KeyRefusals>();
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
    let refusals = this.#byKey.get(keyName);
    if (refusals === undefined) this.#byKey.set(keyName, refusals = new KeyRefusals());
    refusals.note({
      status: error.status,
      reason: ownText(error.reason.slice(0, LONGEST_REASON)),
      keyName,
      channel: nameOf(target?.channel),
      user: nameOf(target?.user),
    }, this.#clock.wall());
    this.#trim();
  }

  /** The newest of each key that may have been for a channel, and were refused in a time; oldest first. */
  between(fromMs: number, toMs: number, channel: string): readonly RefusedEmit[] {
    this.#trim();
    const found = [...this.#byKey.values()]
      .flatMap((refusals) => refusals.newest(fromMs, toMs, channel))
      // The newest of every key come before the second newest of any.
      .sort((one, other) => one.rank - other.rank || other.emit.lastMs - one.emit.lastMs);
    return found.slice(0, MAX_ANSWERED).map(({ emit }) => emit)
      .reverse().sort((one, other) => one.lastMs - other.lastMs);
  }

  #trim(): void {
    const { entries, ageMs } = this.#limits;
    const oldest = this.#clock.wall() - ageMs;
    let total = 0;
    for (const refusals of this.#byKey.values()) {
      refusals.dropBefore(oldest);
      total += refusals.count;
    }
    for (; total > entries; total--) this.#largest?.dropOldest();
  }

  get #largest(): KeyRefusals | undefined {
    let largest: KeyRefusals | undefined;
    for (const refusals of this.#byKey.values()) {
      if (refusals.count > (largest?.count ?? 0)) largest = refusals;
    }
    return largest;
  }
}

interface Refusal extends Omit<RefusedEmit, "firstMs" | "lastMs" | "count"> {}

interface Entry extends Refusal {
  /** The refusals that it stands for are the same in this. */
  readonly sameness: string;
  readonly firstMs: number;
  lastMs: number;
  count: number;
}

/** The refused emits of one control key. */
class KeyRefusals {
  /** By the time of the first emit. */
  readonly #entries = new Deque<Entry>();
  /** The last one of each kind. */
  readonly #last = new Map<string, Entry>();

  /** The number of records. */
  get count(): number {
    return this.#entries.length;
  }

  note(refusal: Refusal, now: number): void {
    const { status, reason, channel, user } = refusal;
    const sameness = JSON.stringify([status, reason, channel, user]);
    const last = this.#last.get(sameness);
    if (last !== undefined && now - last.firstMs <= LONGEST_SPAN_MS) {
      last.lastMs = now;
      last.count++;
      return;
    }
    const entry = { ...refusal, sameness, firstMs: now, lastMs: now, count: 1 };
    this.#entries.push(entry);
    this.#last.set(sameness, entry);
  }

  dropBefore(oldestMs: number): void {
    while ((this.#entries.first?.lastMs ?? oldestMs) < oldestMs) this.dropOldest();
  }

  dropOldest(): void {
    const entry = this.#entries.shift();
    if (entry === undefined) return;
    if (this.#last.get(entry.sameness) === entry) this.#last.delete(entry.sameness);
  }

  /** Those that are asked for, with their rank: 0 for the newest. */
  newest(
    fromMs: number,
    toMs: number,
    channel: string,
  ): readonly { readonly emit: RefusedEmit; readonly rank: number }[] {
    const found: { emit: RefusedEmit; rank: number }[] = [];
    for (let n = this.#entries.length - 1; n >= 0 && found.length < MAX_ANSWERED; n--) {
      const entry = this.#entries.at(n);
      if (entry === undefined || entry.lastMs < fromMs || entry.firstMs > toMs) continue;
      if (entry.channel !== undefined && entry.channel !== channel) continue;
      const { sameness: _, ...emit } = entry;
      found.push({ emit, rank: found.length });
    }
    return found;
  }
}

function nameOf(text: string | undefined): string | undefined {
  return text !== undefined && isName(text) ? ownText(text) : undefined;
}
