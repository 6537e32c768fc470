import { publisherIdOf } from "./blocks.ts";
import { formatId } from "./log_position.ts";

/** An event before it is appended to the log. */
export interface Draft {
  readonly channel: string;
  /** A user's name, or `EVERYONE`. */
  readonly user: string;
  /** Lines of the event stream format, not empty, without a blank line and without a last line end. */
  readonly block: string;
}

/** An event of the log. */
export interface ServerEvent {
  readonly seq: number;
  readonly channel: string;
  readonly user: string;
  /** The id in the event's payload, if it has one; clients resume from it. */
  readonly publisherId: string | undefined;
  /**
   * The whole event: its block, its `id:` line, one blank line. The same for every subscriber. An
   * SQLite file of version 1.0.0 holds events whose `id:` line is the first.
   */
  readonly bytes: Uint8Array<ArrayBuffer>;
  /** The length of `bytes`; reading it does not encode them. */
  readonly size: number;
}

const encoder = new TextEncoder();

/**
 * A text of up to this length is not encoded before its bytes are needed. To encode so short a text
 * would cost more than all other steps of publishing, and would save no memory.
 */
const MAX_LAZY_LENGTH = 256;

const NOT_ASCII = /[\u0080-\uffff]/;

/** An event whose text, if it is short, is not encoded before its bytes are needed. */
class LazyEvent implements ServerEvent {
  readonly seq: number;
  readonly channel: string;
  readonly user: string;
  readonly publisherId: string | undefined;
  readonly size: number;
  /** The bytes, or their text until they are needed. */
  #content: Uint8Array<ArrayBuffer> | string;

  constructor(
    { channel, user }: Draft,
    seq: number,
    publisherId: string | undefined,
    text: string,
  ) {
    this.seq = seq;
    this.channel = channel;
    this.user = user;
    this.publisherId = publisherId;
    const isLazy = text.length <= MAX_LAZY_LENGTH && !NOT_ASCII.test(text);
    this.#content = isLazy ? text : encoder.encode(text);
    this.size = this.#content.length;
  }

  get bytes(): Uint8Array<ArrayBuffer> {
    if (typeof this.#content === "string") this.#content = encoder.encode(this.#content);
    return this.#content;
  }
}

/**
 * Makes an event of a draft: adds an `id:` line, unless the block has one.
 *
 * The line is the last: some clients keep an id as soon as they have read its line, and a client that
 * is cut off before the end of the event must not resume behind it.
 */
export function createEvent(
  draft: Draft,
  seq: number,
  epoch: string,
): ServerEvent {
  const publisherId = publisherIdOf(draft.block);
  const idLine = publisherId === undefined ? `id: ${formatId(seq, epoch)}\n` : "";
  return new LazyEvent(draft, seq, publisherId, `${draft.block}\n${idLine}\n`);
}
