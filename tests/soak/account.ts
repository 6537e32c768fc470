/**
 * The account of one site: what was emitted, where the log has it, and so what each client must have got.
 *
 * @module
 */
import { formatId, type LogPosition, parseId } from "../../src/sse/log_position.ts";
import type { Findings } from "./findings.ts";
import { EventLog } from "./event_log.ts";

/** Whose events a client hears. */
export interface Hearing {
  readonly channels: ReadonlySet<string>;
  readonly userId: string;
}

/** What became of an emit. */
export type EmitOutcome =
  /** Not answered yet, or answered with the advice to repeat it with its key. */
  | "pending"
  /** Answered with an id: every client that hears it gets it once. */
  | "acknowledged"
  /** The connection broke, or the answer says that nobody knows: it comes once or never. */
  | "unknown"
  /** Answered with a refusal: it never comes. */
  | "refused";

/** One emit. */
export interface Emitted {
  readonly number: number;
  readonly channel: string;
  /** A user, or `*`. */
  readonly userId: string;
  readonly data: string;
  /** Microseconds since 1970, as a seq counts them. */
  readonly begunAt: number;
  outcome: EmitOutcome;
  /** When its outcome was known, in the same microseconds. */
  settledAt: number;
  /** Its seq by epoch. More than one if a store that forgets was asked again, with the key. */
  readonly places: Map<string, number>;
}

/** History that an operator had removed. */
interface Removal {
  readonly channel?: string;
  readonly userId?: string;
  /** Events up to this seq may be gone. */
  through: number;
}

/** How the site's store forgets. */
export interface Memory {
  readonly historyAgeSeconds: number;
  /** Whether it forgets everything when its process ends. */
  readonly losesAll: boolean;
}

const SECOND = 1_000_000;

/** After so long an emit without an answer has come, or never will. */
const UNKNOWN_FOR = 15 * SECOND;

/** The server's clock and this one are the same, but are not read at the same moment. */
const CLOCK_SLACK = SECOND;

/** Dropping by age happens a little early or late. */
const AGE_SLACK = 2 * SECOND;

/** Some lines in small data; in large data long ones, because a parser takes its time for each. */
const LARGEST_FILLER = ("abcdefghijklmnopqrstuvwxyz\n".repeat(10) + "0123456789".repeat(400))
  .repeat(30);

/** Microseconds since 1970. */
export function now(): number {
  return Date.now() * 1000;
}

/** Everything that was emitted at one site within the time that somebody may still get it. */
export class Account {
  readonly findings: Findings;
  readonly memory: Memory;
  emitted = 0;
  readonly #byNumber = new Map<number, Emitted>();
  readonly #open = new Set<Emitted>();
  readonly #logs = new Map<string, EventLog>();
  readonly #removals: Removal[] = [];
  /** By user: when the last revocation was over, in milliseconds since 1970; Infinity while one is under way. */
  readonly #revokedAt = new Map<string, number>();
  #epoch: string | undefined;

  constructor(memory: Memory, findings: Findings) {
    this.memory = memory;
    this.findings = findings;
  }

  /** Notes an emit that is about to be sent. @param size about how many characters its data has. */
  begin(channel: string, userId: string, size: number): Emitted {
    const number = ++this.emitted;
    const event: Emitted = {
      number,
      channel,
      userId,
      data: `${number} ${channel} ${userId} ${LARGEST_FILLER.slice(0, size)}.`,
      begunAt: now(),
      outcome: "pending",
      settledAt: 0,
      places: new Map(),
    };
    this.#byNumber.set(number, event);
    this.#open.add(event);
    return event;
  }

  /** Notes that an emit was answered with an id. */
  acknowledge(event: Emitted, id: string): void {
    const place = parseId(id);
    if (place === undefined) return this.findings.add(`an emit was answered with the id ${id}`);
    this.#place(event, place);
    this.#settle(event, "acknowledged");
  }

  /** Notes that whether an emit was published will never be answered. */
  giveUp(event: Emitted): void {
    this.#settle(event, "unknown");
  }

  /** Notes that an emit was refused. */
  refuse(event: Emitted): void {
    if (event.places.size > 0) this.findings.add(`${describe(event)} was refused, and delivered`);
    this.#settle(event, "refused");
  }

  /** Notes that a client got data at a place; answers the emit that it is of, if it may be. */
  seen(place: LogPosition, data: string): Emitted | undefined {
    const event = this.#byNumber.get(parseInt(data, 10));
    if (event === undefined) {
      this.findings.add(`data that nobody emitted: ${data.slice(0, 80)}`);
      return undefined;
    }
    if (event.data !== data) this.findings.add(`${describe(event)} came with other data`);
    if (event.outcome === "refused") {
      this.findings.add(`${describe(event)} was refused, and delivered`);
    }
    this.#place(event, place);
    return event;
  }

  /** Notes that history is about to be removed; call what it answers once that is over. */
  removing(what: { readonly channel: string } | { readonly userId: string }): () => void {
    const removal: Removal = { ...what, through: Infinity };
    this.#removals.push(removal);
    return () => removal.through = now() + CLOCK_SLACK;
  }

  /** Notes that tokens of a user are about to be revoked; call what it answers once that is over. */
  revoking(userId: string): () => void {
    this.#revokedAt.set(userId, Infinity);
    return () => this.#revokedAt.set(userId, Date.now());
  }

  /**
   * Whether a token may be revoked. One that lost a channel of several still opens streams, but hears less: a client
   * that does not want that needs a new one.
   *
   * @param issuedAt milliseconds since 1970.
   */
  mayBeRevoked(userId: string, issuedAt: number): boolean {
    return issuedAt <= (this.#revokedAt.get(userId) ?? -Infinity);
  }

  /** Up to this seq nothing can be added to the log any more. */
  get settledThrough(): number {
    let through = now();
    for (const { begunAt, places, outcome, settledAt } of this.#open) {
      if (outcome === "unknown" && (places.size > 0 || now() - settledAt > UNKNOWN_FOR)) continue;
      through = Math.min(through, begunAt);
    }
    return through - CLOCK_SLACK;
  }

  /** The events of a log after a seq and up to another. */
  between(epoch: string, after: number, through: number): readonly Emitted[] {
    return this.#logs.get(epoch)?.between(after, through) ?? [];
  }

  /** The newest event that somebody must get; `undefined` if there is none. */
  newestFor(hearing: Hearing): LogPosition | undefined {
    if (this.#epoch === undefined) return undefined;
    const event = this.#logs.get(this.#epoch)?.newest((event) =>
      event.outcome === "acknowledged" && hears(hearing, event)
    );
    const seq = event?.places.get(this.#epoch);
    return seq === undefined ? undefined : { epoch: this.#epoch, seq };
  }

  /** Whether an event may have been dropped by a time. */
  mayBeGone(event: Emitted, seq: number, at: number): boolean {
    const age = this.memory.historyAgeSeconds * SECOND - AGE_SLACK;
    return at - seq >= age ||
      this.#removals.some(({ channel, userId, through }) =>
        seq <= through && (channel === event.channel || userId === event.userId)
      );
  }

  /**
   * Whether a client may be told of a gap.
   *
   * @param asked what it had come from; `undefined` for an id of no log.
   * @param told where it was sent to.
   * @param at when.
   */
  mayHaveGap(
    hearing: Hearing,
    asked: LogPosition | undefined,
    told: LogPosition,
    at: number,
  ): boolean {
    const log = asked && this.#logs.get(asked.epoch);
    // An id of no log that this account knows.
    if (asked === undefined || log === undefined) return true;
    if (asked.epoch !== told.epoch) return this.memory.losesAll;
    if (asked.seq < log.forgottenThrough) return true;
    const isDropped = (event: Emitted) =>
      // Word of what was removed for a user goes to that user on all channels.
      (hearing.channels.has(event.channel) || hearing.userId === event.userId) &&
      this.mayBeGone(event, event.places.get(asked.epoch) ?? event.begunAt, at);
    const unseen = [...this.#byNumber.values()].filter(({ outcome, begunAt }) =>
      outcome === "unknown" && begunAt > asked.seq
    );
    return log.between(asked.seq, Infinity).some(isDropped) || unseen.some(isDropped);
  }

  /**
   * Forgets what nobody can get any more.
   *
   * @param neededAfter a seq by epoch: what comes after it is still to be compared.
   */
  forget(neededAfter: ReadonlyMap<string, number>): void {
    const old = now() - (2 * this.memory.historyAgeSeconds + 60) * SECOND;
    for (const [epoch, log] of this.#logs) {
      log.forget(Math.min(old, neededAfter.get(epoch) ?? Infinity));
      if (epoch !== this.#epoch && log.isEmpty) this.#logs.delete(epoch);
    }
    for (const event of this.#open) {
      if (event.outcome === "unknown" && event.begunAt < old) this.#open.delete(event);
    }
    for (const [number, event] of this.#byNumber) {
      if (event.begunAt >= old) break;
      const isKept = [...event.places].some(([epoch, seq]) =>
        seq > (this.#logs.get(epoch)?.forgottenThrough ?? Infinity)
      );
      if (!isKept && !this.#open.has(event)) this.#byNumber.delete(number);
    }
    while ((this.#removals[0]?.through ?? Infinity) < old) this.#removals.shift();
  }

  #place(event: Emitted, { epoch, seq }: LogPosition): void {
    const known = event.places.get(epoch);
    if (known === seq) return;
    if (known !== undefined) {
      this.findings.add(
        `${describe(event)} has two places, ${formatId(known, epoch)} and ${formatId(seq, epoch)}`,
      );
      return;
    }
    event.places.set(epoch, seq);
    let log = this.#logs.get(epoch);
    if (log === undefined) {
      if (this.#epoch !== undefined && !this.memory.losesAll) {
        this.findings.add(`the store that keeps everything has a new log, ${epoch}`);
      }
      log = new EventLog(epoch);
      this.#logs.set(epoch, log);
      this.#epoch = epoch;
    }
    const other = log.add(seq, event);
    if (other !== event) {
      this.findings.add(
        `${formatId(seq, epoch)} is the id of ${describe(event)} and ${describe(other)}`,
      );
    }
  }

  #settle(event: Emitted, outcome: EmitOutcome): void {
    event.outcome = outcome;
    event.settledAt = now();
    if (outcome !== "unknown") this.#open.delete(event);
  }
}

/** Whether a client that hears so gets an event. */
export function hears({ channels, userId }: Hearing, event: Emitted): boolean {
  return channels.has(event.channel) && (event.userId === "*" || event.userId === userId);
}

/** An event in words. */
export function describe({ number, channel, userId, outcome }: Emitted): string {
  return `event ${number} (to ${userId} on ${channel}, ${outcome})`;
}
