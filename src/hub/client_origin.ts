/** Where a stream comes from, for the operator. Plain data. The client chooses `userAgent`. */
export interface ClientOrigin {
  /** The client's address, without its port. */
  readonly address: string;
  /** The proxy that the client came through; `undefined` for a client that connected itself. */
  readonly proxy: string | undefined;
  /** Shortened; empty for a client that sent none. */
  readonly userAgent: string;
}
