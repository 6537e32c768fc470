import { formatId } from "./event_id.ts";

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
  readonly ownId: string | undefined;
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
class PlacedEvent implements ServerEvent {
  readonly seq: number;
  readonly channel: string;
  readonly user: string;
  readonly ownId: string | undefined;
  readonly size: number;
  /** Either the bytes or, until they are asked for, their text. */
  #content: Uint8Array<ArrayBuffer> | string;

  constructor({ channel, user }: Draft, seq: number, ownId: string | undefined, text: string) {
    this.seq = seq;
    this.channel = channel;
    this.user = user;
    this.ownId = ownId;
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
export function placeEvent(
  draft: Draft,
  seq: number,
  epoch: string,
): ServerEvent {
  const ownId = idOf(draft.block);
  const idLine = ownId === undefined ? `id: ${formatId(seq, epoch)}\n` : "";
  return new PlacedEvent(draft, seq, ownId, `${idLine}${draft.block}\n\n`);
}

/** A block of what the server itself has to say in a stream, closed by a blank line. */
export function encodeBlock(...lines: readonly string[]): Uint8Array<ArrayBuffer> {
  return encoder.encode(lines.join("\n") + "\n\n");
}

/**
 * Comments and `retry:` lines, which take effect without a blank line. They have none because some
 * clients (@microsoft/fetch-event-source) hand each blank line to the page as a message without data.
 */
export function encodeLines(...lines: readonly string[]): Uint8Array<ArrayBuffer> {
  return encoder.encode(lines.join("\n") + "\n");
}

/**
 * The blocks of a payload: what stands between its blank lines, each as it came.
 *
 * Line ends are LF, CR or CRLF (HTML Standard, 9.2.6). A payload with blank lines inside is several
 * events, and each needs a place of its own: with one id for all, a client cut off between them
 * would resume behind the last and lose it.
 */
export function blocksOf(payload: string): readonly string[] {
  let end = payload.length;
  while (end > 0 && isLineEnd(payload.charCodeAt(end - 1))) end--;
  if (end === 0) return [];
  const trimmed = payload.slice(0, end);
  const plain = !isLineEnd(trimmed.charCodeAt(0)) &&
    !trimmed.includes("\n\n") &&
    !trimmed.includes("\r");
  return plain ? [trimmed] : splitAtBlankLines(trimmed);
}

/** The lines of a text, split at LF, CR and CRLF alike. */
export function linesOf(text: string): readonly string[] {
  const lines: string[] = [];
  let start = 0;
  while (true) {
    const end = nextLineEnd(text, start);
    lines.push(text.slice(start, end));
    if (end === text.length) return lines;
    start = afterLineEnd(text, end);
  }
}

/** The block of an event given as data: one `data:` line for each line of the text. */
export function dataBlock(
  data: string,
  options: {
    readonly event?: string | undefined;
    readonly retry?: string | undefined;
  },
): string {
  const head = (options.event === undefined ? "" : `event: ${options.event}\n`) +
    (options.retry === undefined ? "" : `retry: ${options.retry}\n`);
  const simple = !data.includes("\n") && !data.includes("\r");
  const lines = simple ? [data] : linesOf(data);
  return head + lines.map((line) => `data: ${line}`).join("\n");
}

/** The value of the last `id` field in a block; a value with NUL counts for nothing, as in a browser. */
function idOf(block: string): string | undefined {
  const possible = block.startsWith("id") || block.includes("\nid") ||
    block.includes("\rid");
  if (!possible) return undefined;
  let id: string | undefined;
  for (const line of linesOf(block)) {
    if (line !== "id" && !line.startsWith("id:")) continue;
    const value = line.slice(line.startsWith("id: ") ? 4 : 3);
    if (!value.includes("\0")) id = value;
  }
  return id;
}

function splitAtBlankLines(payload: string): readonly string[] {
  const blocks: string[] = [];
  let blockStart = 0;
  let blockEnd = 0;
  let start = 0;
  while (start < payload.length) {
    const end = nextLineEnd(payload, start);
    if (end > start) {
      if (blockEnd === blockStart) blockStart = start;
      blockEnd = end;
    } else if (blockEnd > blockStart) {
      blocks.push(payload.slice(blockStart, blockEnd));
      blockStart = blockEnd;
    }
    start = afterLineEnd(payload, end);
  }
  if (blockEnd > blockStart) blocks.push(payload.slice(blockStart, blockEnd));
  return blocks;
}

const LF = 10;
const CR = 13;

function isLineEnd(code: number): boolean {
  return code === LF || code === CR;
}

function nextLineEnd(text: string, from: number): number {
  let at = from;
  while (at < text.length && !isLineEnd(text.charCodeAt(at))) at++;
  return at;
}

function afterLineEnd(text: string, end: number): number {
  const crlf = text.charCodeAt(end) === CR && text.charCodeAt(end + 1) === LF;
  return end + (crlf ? 2 : 1);
}
