/**
 * Cuts a connection at a chosen byte of what a server sends on it.
 *
 * @module
 */
import { concatBytes } from "../../src/lib/bytes.ts";
import { type AnswerPiece, Relay } from "./relay.ts";

const NOTHING = new Uint8Array();

/** A relay that breaks one connection inside a text; disposing of it closes every connection. */
export class Cutter implements AsyncDisposable {
  readonly relay: Relay;
  #cut: { readonly text: string; readonly passedBytes: number } | undefined;
  #held: Uint8Array<ArrayBuffer> = NOTHING;

  /** @param target A port of 127.0.0.1. */
  constructor(target: number) {
    this.relay = new Relay(target, (bytes) => this.#filter(bytes));
  }

  /**
   * Breaks the connection that next brings a text of ASCII, once so many bytes from the text's start on
   * have been passed on. Until the text comes, nothing is.
   */
  cutInside(text: string, passedBytes: number): void {
    this.#cut = { text, passedBytes };
  }

  #filter(bytes: Uint8Array): AnswerPiece {
    if (this.#cut === undefined) return { pass: bytes, isLast: false };
    const { text, passedBytes } = this.#cut;
    this.#held = concatBytes([this.#held, bytes]);
    const start = new TextDecoder("latin1").decode(this.#held).indexOf(text);
    const end = start + passedBytes;
    if (start < 0 || this.#held.length < end) return { pass: NOTHING, isLast: false };
    const pass = this.#held.subarray(0, end);
    this.#cut = undefined;
    this.#held = NOTHING;
    return { pass, isLast: true };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.relay[Symbol.asyncDispose]();
  }
}
