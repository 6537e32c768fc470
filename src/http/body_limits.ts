import { ByteBudget } from "../lib/byte_buffer.ts";
import type { Clock } from "../lib/clock.ts";

/** Room for the other fields, and for what a format puts around them. */
const OVERHEAD_BYTES = 65_536;

/** A byte of a payload takes up to six in a body: `\u000a` in JSON. */
const BYTES_PER_BYTE = 6;

/** However little room all bodies together are given, it is enough for so many of the largest size. */
const LEAST_UNFINISHED_BODIES = 4;

/** How many fields a body may have, whatever its format: parts and members take up to 30 µs each. */
export const MAX_FIELDS = 1000;

/** What a server is told about bodies. */
interface ServerBodyLimits {
  readonly maxPayloadBytes: number;
  readonly maxUnfinishedBytes: number;
}

/** What the bodies of control requests may take. Those that share it count together. */
export class BodyLimits {
  /** The largest body, and the longest line of NDJSON, in which the largest payload may come. */
  readonly maxBytes: number;
  /** JSON with more brackets, commas, colons and quotation marks is larger than the largest payload. */
  readonly maxJsonMarks: number;
  /** Room for all bodies together that have begun and not ended. */
  readonly unfinished: ByteBudget;
  /** What sets the size of that room, for whoever is refused. */
  readonly unfinishedRule: string;
  #refusedForRoom = 0;

  /** @param maxUnfinishedBytes room for unfinished bodies. Default: without a limit. */
  constructor(
    maxPayloadBytes: number,
    clock: Clock,
    maxUnfinishedBytes = Infinity,
    unfinishedRule = "-max-unfinished-bytes",
  ) {
    this.maxBytes = largestBodyFor(maxPayloadBytes);
    this.maxJsonMarks = maxPayloadBytes + OVERHEAD_BYTES;
    this.unfinishedRule = unfinishedRule;
    this.unfinished = new ByteBudget(maxUnfinishedBytes, () => clock.steady());
  }

  /** Those of a server: with room for four bodies of the largest size at least. */
  static ofServer({ maxPayloadBytes, maxUnfinishedBytes }: ServerBodyLimits, clock: Clock) {
    const least = largestBodyFor(maxPayloadBytes) * LEAST_UNFINISHED_BODIES;
    if (maxUnfinishedBytes >= least) {
      return new BodyLimits(maxPayloadBytes, clock, maxUnfinishedBytes);
    }
    const rule = "four bodies of the largest size by -max-payload; -max-unfinished-bytes is less";
    return new BodyLimits(maxPayloadBytes, clock, least, rule);
  }

  /** How many bodies, and lines of NDJSON, were refused for want of room. */
  get refusedForRoom(): number {
    return this.#refusedForRoom;
  }

  /** Counts a body, or a line, that is refused for want of room. */
  noteRefusedForRoom(): void {
    this.#refusedForRoom++;
  }
}

function largestBodyFor(maxPayloadBytes: number): number {
  return maxPayloadBytes * BYTES_PER_BYTE + OVERHEAD_BYTES;
}
