const RANDOM_BYTES = 4;

/**
 * Names streams, for the log and for whoever asks about one. A hub's names begin with random letters
 * of its own, so that no other process gives out the same.
 */
export class StreamIds {
  readonly #prefix = crypto.getRandomValues(new Uint8Array(RANDOM_BYTES)).toHex();
  #count = 0;

  next(): string {
    return `${this.#prefix}-${(++this.#count).toString(36)}`;
  }
}
