/**
 * An event's place in a log. `seq` orders the events of one log; `epoch` names the log, because a
 * place in one log means nothing in another: a client that holds `…5-aaaaaa` from a server whose
 * memory is gone must not be taken for one that has read up to 5 of the new log.
 */
export interface LogPosition {
  /** Strictly increasing; microseconds since 1970 unless the clock stood still or went back. */
  readonly seq: number;
  /** Six characters of `a-z0-9`, drawn at random when the log is made. */
  readonly epoch: string;
}

const SEQ_DIGITS = 16;
const EPOCH_LENGTH = 6;
const EPOCH_ALPHABET = "abcdefghijklmnopqrstuvwxyz0123456789";

/** The text of an id, as it goes into an `id:` line. Later ids of a log also sort later as text. */
export function formatId(seq: number, epoch: string): string {
  return `${String(seq).padStart(SEQ_DIGITS, "0")}-${epoch}`;
}

/** Reads what {@link formatId} wrote; `undefined` for any other text. */
export function parseId(text: string): LogPosition | undefined {
  const match = /^([0-9]{16})-([a-z0-9]{6})$/.exec(text);
  return match === null ? undefined : { seq: Number(match[1]), epoch: String(match[2]) };
}

/**
 * The seq of an event that follows `last` at the time `nowMs`.
 *
 * It comes from the clock so that a log restored from an old copy does not give out again what it
 * gave out before, and never from the clock alone, so that a clock that steps back does no harm.
 */
export function nextSeq(last: number, nowMs: number): number {
  return Math.max(last + 1, Math.floor(nowMs * 1000));
}

/** The wall-clock time in milliseconds that a seq was drawn at, or later where the clock went back. */
export function seqTime(seq: number): number {
  return seq / 1000;
}

/** A new log's epoch, from the runtime's cryptographic source of randomness. */
export function newEpoch(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(EPOCH_LENGTH));
  return Array.from(
    bytes,
    (byte) => EPOCH_ALPHABET[byte % EPOCH_ALPHABET.length],
  ).join("");
}
