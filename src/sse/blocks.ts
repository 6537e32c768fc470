import { ownPart } from "../lib/own_text.ts";

/**
 * The blocks of a payload: the unchanged text between its blank lines.
 *
 * Line ends are LF, CR or CRLF (HTML Standard, 9.2.6). A payload with blank lines inside is several
 * events, and each needs an id of its own: with one id for all, a client that is cut off between them
 * would resume after the last event and lose it.
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

/** The block of an event that is given as data: one `data:` line for each line of the text. */
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

/** Whether a block has a `data` line; browsers dispatch nothing for one that has none. */
export function hasData(block: string): boolean {
  if (block.startsWith("data:") || block.includes("\ndata:")) return true;
  return block.includes("data") &&
    linesOf(block).some((line) => line === "data" || line.startsWith("data:"));
}

/** The publisher id of a block: the value of its last `id` field. A value with NUL is ignored, as in a browser. */
export function publisherIdOf(block: string): string | undefined {
  const possible = block.startsWith("id") || block.includes("\nid") ||
    block.includes("\rid");
  if (!possible) return undefined;
  let id: string | undefined;
  for (const line of linesOf(block)) {
    if (line !== "id" && !line.startsWith("id:")) continue;
    const value = line.slice(line.startsWith("id: ") ? 4 : 3);
    if (!value.includes("\0")) id = value;
  }
  return id === undefined ? undefined : ownPart(id, block);
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
      blocks.push(ownPart(payload.slice(blockStart, blockEnd), payload));
      blockStart = blockEnd;
    }
    start = afterLineEnd(payload, end);
  }
  if (blockEnd > blockStart) blocks.push(ownPart(payload.slice(blockStart, blockEnd), payload));
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
