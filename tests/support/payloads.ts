/**
 * Random payloads, well-formed and odd, and what a parser of event streams makes of each by itself.
 *
 * @module
 */
import { createParser } from "npm:eventsource-parser@4.1.3";
import fc from "npm:fast-check@4.10.2";

/** An event as the parser sees it. */
export interface ParsedEvent {
  /** The id that its own block sets; `undefined` if it sets none. */
  readonly id: string | undefined;
  /** Its type; `message` if it names none. */
  readonly event: string;
  readonly data: string;
}

/** Characters that break careless parsers: marks, joined emoji, NUL, separators of Unicode's own, colons. */
const ODD_CHARACTERS = [
  ":",
  " ",
  "\0",
  "\t",
  "\uFEFF",
  "\u2028",
  "\u0085",
  "é",
  "e\u0301",
  "👩‍👩‍👧",
  "𝄞",
  "%",
  "&",
  "+",
  "=",
];

const character = fc.oneof(
  fc.string({ unit: "grapheme-ascii", minLength: 1, maxLength: 1 }),
  fc.string({ unit: "binary", minLength: 1, maxLength: 1 }),
  fc.constantFrom(...ODD_CHARACTERS),
).filter((text) => !/[\r\n]/.test(text));

const lineOfText = fc.array(character, { maxLength: 12 }).map((characters) => characters.join(""));

const lineEnd = fc.constantFrom("\n", "\r\n", "\r");

const separator = fc.constantFrom(": ", ":", ":  ");

function fieldLine(name: string, value: fc.Arbitrary<string>): fc.Arbitrary<string> {
  return fc.tuple(separator, value).map(([between, text]) => name + between + text);
}

/** One line of a payload, without its end. Blank ones, which make it several events, come now and then. */
const line = fc.oneof(
  { weight: 8, arbitrary: fieldLine("data", lineOfText) },
  { weight: 3, arbitrary: fieldLine("event", lineOfText) },
  { weight: 1, arbitrary: fieldLine("id", lineOfText) },
  { weight: 1, arbitrary: fieldLine("retry", fc.oneof(fc.nat().map(String), lineOfText)) },
  { weight: 1, arbitrary: fieldLine("unknown", lineOfText) },
  { weight: 2, arbitrary: lineOfText.map((text) => `:${text}`) },
  { weight: 2, arbitrary: lineOfText },
  {
    weight: 2,
    arbitrary: fc.constantFrom("data", "event", "id", "retry", " data: indented", "Data: capital"),
  },
  { weight: 1, arbitrary: fc.constant("") },
);

/** Payloads of every kind, some ending in no line end, some in several; none is blank altogether. */
export const anyPayload: fc.Arbitrary<string> = fc
  .tuple(
    fc.array(fc.tuple(line, lineEnd), { minLength: 1, maxLength: 8 }),
    fc.array(lineEnd, { maxLength: 3 }),
    fc.boolean(),
  )
  .map(([lines, trailing, cutLastEnd]) => {
    const text = lines.map(([content, end], index) =>
      content + (cutLastEnd && index === lines.length - 1 ? "" : end)
    ).join("");
    return text + trailing.join("");
  })
  .filter((payload) => /[^\r\n]/.test(payload));

/** Any text for the `data` field, with line ends of every kind. */
export const anyData: fc.Arbitrary<string> = fc
  .array(fc.oneof({ weight: 4, arbitrary: character }, { weight: 1, arbitrary: lineEnd }), {
    minLength: 1,
    maxLength: 30,
  })
  .map((characters) => characters.join(""));

/** Any name that the `event` field allows, which is one line without NUL. */
export const anyEventName: fc.Arbitrary<string> = lineOfText
  .map((text) => text.replaceAll("\0", "0"))
  .filter((text) => text !== "");

/**
 * What a client makes of a payload that stands by itself in the middle of a stream: the parser's word for it,
 * the blank line that closes it added.
 */
export function parseAlone(payload: string): ParsedEvent[] {
  // Only the first character of a stream may be a byte order mark, so the payload is not to be the first.
  return parse([":\n", `${payload}\n\n`]);
}

/** What a client makes of a stream's bytes that come in pieces of the given sizes, taken in turn. */
export function parseInPieces(
  bytes: Uint8Array,
  sizes: readonly number[],
): ParsedEvent[] {
  const decoder = new TextDecoder("utf-8", { ignoreBOM: true });
  const pieces: string[] = [];
  for (let offset = 0; offset < bytes.length;) {
    const size = sizes[pieces.length % sizes.length] ?? 1;
    const piece = bytes.subarray(offset, offset + size);
    pieces.push(decoder.decode(piece, { stream: true }));
    offset += size;
  }
  return parse(pieces);
}

function parse(pieces: readonly string[]): ParsedEvent[] {
  const events: ParsedEvent[] = [];
  const parser = createParser({
    onEvent: ({ id, event, data }) => events.push({ id, event: event ?? "message", data }),
  });
  for (const piece of pieces) parser.feed(piece);
  return events;
}
