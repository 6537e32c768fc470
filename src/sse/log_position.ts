/**
 * An event's position in a log. `seq` orders the events of one log. `epoch` names the log, because a
 * position in one log means nothing in another: a client with the id `…5-aaaaaa` of a memory store
 * that is gone has not read the new log up to 5.
 */
export interface LogPosition {
  /** Strictly increasing; microseconds since 1970 unless the clock stood still or went back. */
  readonly seq: number;
  /** Six characters of `a-z0-9`, drawn at random when the log is created. */
  readonly epoch: string;
}

const SEQ_DIGITS = 16;
const EPOCH_LENGTH = 6;
const EPOCH_ALPHABET = "abcdefghijklmnopqrstuvwxyz0123456789";

/** The text of an id in an `id:` line. Ids of one log also sort by age as text. */
export function formatId(seq: number, epoch: string): string {
  return `${String(seq).padStart(SEQ_DIGITS, "0")}-${epoch}`;
}

/** Reads an id that {@link formatId} wrote; `undefined` for any other text. */
export function parseId(text: string): LogPosition | undefined {
  const match = /^([0-9]{16})-([a-z0-9]{6})$/.exec(text);
  return match === null ? undefined : { seq: Number(match[1]), epoch: String(match[2]) };
}

/**
 * The seq of an event that follows `last` at the time `nowMs`.
 *
 * It comes from the clock, so that a log that was restored from an old copy does not use a seq twice.
 * It is always greater than `last`, so that a clock that steps back does no harm.
 */
export function nextSeq(last: number, nowMs: number): number {
  return Math.max(last + 1, Math.floor(nowMs * 1000));
}

/** The wall-clock time of a seq in milliseconds; later than the real time if the clock had gone back. */
export function seqTime(seq: number): number {
  return seq / 1000;
}

/** A random epoch for a new log. */
export function newEpoch(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(EPOCH_LENGTH));
  return Array.from(
    bytes,
    (byte) => EPOCH_ALPHABET[byte % EPOCH_ALPHABET.length],
  ).join("");
}
