import { publisherIdOf } from "./blocks.ts";
import { formatId } from "./log_position.ts";

/** One message before it has a place in the log. */
export interface Draft {
  readonly channel: string;
  /** A user's name, or `EVERYONE`. */
  readonly user: string;
  /** Lines of the event stream format, not empty, without a blank line and without a last line end. */
  readonly block: string;
}

/** One message in its place. */
export interface ServerEvent {
  readonly seq: number;
  readonly channel: string;
  readonly user: string;
  /** The id that the payload carries itself, where it does; clients resume from it. */
  readonly publisherId: string | undefined;
  /** The whole event: its `id:` line, its block, one blank line. The same for every subscriber. */
  readonly bytes: Uint8Array<ArrayBuffer>;
  /** The length of `bytes`, which is known before they are made. */
  readonly size: number;
}

const encoder = new TextEncoder();

/**
 * A text of up to this length waits to be encoded until somebody hears it. In memory it takes no
 * more than the objects around so few bytes, which cost more than all the rest of publishing.
 */
const MAX_WAITING_LENGTH = 256;

const NOT_ASCII = /[\u0080-\uffff]/;

/** An event that is encoded once, and no sooner than it has to be. */
class LazyEvent implements ServerEvent {
  readonly seq: number;
  readonly channel: string;
  readonly user: string;
  readonly publisherId: string | undefined;
  readonly size: number;
  /** Either the bytes or, until they are asked for, their text. */
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
    const mayWait = text.length <= MAX_WAITING_LENGTH && !NOT_ASCII.test(text);
    this.#content = mayWait ? text : encoder.encode(text);
    this.size = this.#content.length;
  }

  get bytes(): Uint8Array<ArrayBuffer> {
    if (typeof this.#content === "string") this.#content = encoder.encode(this.#content);
    return this.#content;
  }
}

/** Gives a draft its place: adds the `id:` line, unless the block has one. */
export function createEvent(
  draft: Draft,
  seq: number,
  epoch: string,
): ServerEvent {
  const publisherId = publisherIdOf(draft.block);
  const idLine = publisherId === undefined ? `id: ${formatId(seq, epoch)}\n` : "";
  return new LazyEvent(draft, seq, publisherId, `${idLine}${draft.block}\n\n`);
}
