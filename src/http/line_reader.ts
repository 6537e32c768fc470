import { type Appended, ByteBuffer } from "../lib/byte_buffer.ts";
import type { HttpError } from "../lib/errors.ts";
import type { BodyLimits } from "./body_limits.ts";
import { appendFailure } from "./read_body.ts";

/** A line's text without its line end, or why the line was not kept. */
export type Line = string | HttpError;

const NEWLINE = 10;

/** Cuts a body into lines, whatever chunks it comes in; keeps the one that has begun and not ended. */
export class LineReader {
  readonly #decoder = new TextDecoder();
  readonly #limits: BodyLimits;
  readonly #unfinished: ByteBuffer;
  /** Why the rest of the unfinished line is dropped. */
  #failure: Exclude<Appended, "ok"> | undefined;

  constructor(limits: BodyLimits) {
    this.#limits = limits;
    this.#unfinished = new ByteBuffer(limits.maxBytes, limits.unfinished);
  }

  /** The lines that end in this chunk, which may be used again afterwards. */
  take(chunk: Uint8Array): readonly Line[] {
    if (!this.#hasUnfinished) return this.#takeFromLineStart(chunk);
    const end = chunk.indexOf(NEWLINE);
    if (end < 0) {
      this.#keep(chunk);
      return [];
    }
    this.#keep(chunk.subarray(0, end));
    return [this.#finishLine(), ...this.#takeFromLineStart(chunk.subarray(end + 1))];
  }

  /** The last line, if the body did not end in a line end. */
  finish(): readonly Line[] {
    return this.#hasUnfinished ? [this.#finishLine()] : [];
  }

  /** Forgets a line whose end will not come. */
  drop(): void {
    this.#unfinished.clear();
    this.#failure = undefined;
  }

  get #hasUnfinished(): boolean {
    const { length, wasEvicted } = this.#unfinished;
    return length > 0 || wasEvicted || this.#failure !== undefined;
  }

  #takeFromLineStart(chunk: Uint8Array): readonly Line[] {
    const end = chunk.lastIndexOf(NEWLINE);
    this.#keep(chunk.subarray(end + 1));
    if (end < 0) return [];
    // To decode them all at once takes a fraction of the time.
    const lines = this.#decoder.decode(chunk.subarray(0, end)).split("\n");
    const { maxBytes } = this.#limits;
    if (end <= maxBytes) return lines;
    return lines.map((line) => line.length <= maxBytes ? line : this.#refusal("too long"));
  }

  #keep(bytes: Uint8Array): void {
    if (this.#failure !== undefined || bytes.length === 0) return;
    const appended = this.#unfinished.append(bytes);
    if (appended === "ok") return;
    this.#unfinished.clear();
    this.#failure = appended;
  }

  #finishLine(): Line {
    if (this.#unfinished.wasEvicted) this.#failure ??= "no room";
    const line = this.#failure === undefined
      ? this.#decoder.decode(this.#unfinished.bytes)
      : this.#refusal(this.#failure);
    this.drop();
    return line;
  }

  #refusal(why: Exclude<Appended, "ok">): HttpError {
    return appendFailure("Line", why, this.#limits);
  }
}
