import { BadBody, TooLarge } from "../lib/errors.ts";
import { type BodyLimits, MAX_FIELDS } from "./body_limits.ts";

/** No text as short as this is over a limit below. */
const UNCHECKED_LENGTH = 1024;

/** As deep as PHP writes and reads JSON unless told otherwise. */
const MAX_DEPTH = 512;

/** At all depths together; a hundred thousand take some 100 ms to parse and write out again. */
const MAX_MEMBERS = 100_000;

/** What JSON is made of, outside its texts. */
interface JsonCounts {
  readonly depth: number;
  /** Members of the outermost object. */
  readonly fields: number;
  readonly members: number;
  /** Brackets, commas, colons and quotation marks. */
  readonly marks: number;
}

/**
 * Refuses JSON that would take long to parse, without parsing it.
 *
 * @throws BadBody for what is nested too deep, TooLarge for too many members or values.
 */
export function checkJson(text: string, { maxJsonMarks }: BodyLimits): void {
  if (text.length <= UNCHECKED_LENGTH) return;
  const { depth, fields, members, marks } = count(text);
  if (depth > MAX_DEPTH) {
    throw new BadBody(`Body not understood: its JSON is nested more than ${MAX_DEPTH} deep.`);
  }
  if (fields > MAX_FIELDS) throw new TooLarge(`Body too large: more than ${MAX_FIELDS} fields.`);
  if (members > MAX_MEMBERS) {
    throw new TooLarge(`Body too large: its JSON has more than ${MAX_MEMBERS} members.`);
  }
  if (marks > maxJsonMarks) {
    throw new TooLarge(
      "Body too large: the brackets, commas, colons and quotation marks of its JSON " +
        `alone are more than ${maxJsonMarks} bytes (-max-payload).`,
    );
  }
}

/** Counts also in what is no JSON, which parsing will find out. */
function count(text: string): JsonCounts {
  let depth = 0;
  let deepest = 0;
  let fields = 0;
  let members = 0;
  let marks = 0;
  for (let at = 0; at < text.length; at++) {
    switch (text.charCodeAt(at)) {
      case 0x22: // "
        at = stringEnd(text, at);
        marks += 2;
        break;
      case 0x5b: // [
      case 0x7b: // {
        marks++;
        if (++depth > deepest) deepest = depth;
        break;
      case 0x5d: // ]
      case 0x7d: // }
        marks++;
        depth--;
        break;
      case 0x3a: // :
        marks++;
        members++;
        if (depth === 1) fields++;
        break;
      case 0x2c: // ,
        marks++;
    }
  }
  return { depth: deepest, fields, members, marks };
}

/** Where the string that begins at a quotation mark ends; the text's end where it does not. */
function stringEnd(text: string, start: number): number {
  let end = start;
  do {
    end = text.indexOf('"', end + 1);
    if (end < 0) return text.length;
  } while (isEscaped(text, end));
  return end;
}

function isEscaped(text: string, at: number): boolean {
  let backslashes = 0;
  while (text.charCodeAt(at - 1 - backslashes) === 0x5c) backslashes++;
  return backslashes % 2 === 1;
}
