import { ByteBudget } from "../lib/byte_buffer.ts";
import type { Clock } from "../lib/clock.ts";

/** Room for the other fields, and for what a format puts around them. */
const OVERHEAD_BYTES = 65_536;

/** A byte of a payload takes up to six in a body: `\u000a` in JSON. */
const BYTES_PER_BYTE = 6;

/** Room for all bodies together that have begun and not ended; for some at least of the largest size. */
const MAX_UNFINISHED_BYTES = 256 * 1_048_576;
const LEAST_UNFINISHED_BODIES = 4;

/** How many fields a body may have, whatever its format: parts and members take up to 30 µs each. */
export const MAX_FIELDS = 1000;

/** What the bodies of control requests may take. Those that share it count together. */
export class BodyLimits {
  /** The largest body, and the longest line of NDJSON, in which the largest payload may come. */
  readonly maxBytes: number;
  /** JSON with more brackets, commas, colons and quotation marks is larger than the largest payload. */
  readonly maxJsonMarks: number;
  readonly unfinished: ByteBudget;

  /** @param maxUnfinishedBytes 256 MiB, unless four bodies of the largest size take more. */
  constructor(maxPayloadBytes: number, clock: Clock, maxUnfinishedBytes?: number) {
    this.maxBytes = maxPayloadBytes * BYTES_PER_BYTE + OVERHEAD_BYTES;
    this.maxJsonMarks = maxPayloadBytes + OVERHEAD_BYTES;
    this.unfinished = new ByteBudget(
      maxUnfinishedBytes ?? Math.max(MAX_UNFINISHED_BYTES, this.maxBytes * LEAST_UNFINISHED_BODIES),
      () => clock.steady(),
    );
  }
}
