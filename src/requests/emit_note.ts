import { isSimilar } from "../lib/similar_names.ts";
import { shown } from "../lib/shown_text.ts";
import { hasData } from "../sse/blocks.ts";
import type { Fields } from "./fields.ts";

/** Something that the caller of an accepted request should know. */
export interface Note {
  /** Sentences, for the caller. */
  readonly text: string;
  /** The same for the log: without names that may be a part of a payload. */
  readonly logText: string;
}

const EMIT_FIELDS = ["userId", "channel", "payload", "data", "event", "retry", "idempotencyKey"];

/** `userId`, `channel`, and `payload` or `data`: no emit has fewer. */
const REQUIRED_FIELDS = 3;

/** What the caller of a well-formed emit may have meant otherwise; `undefined` if there is nothing to say. */
export function emitNote(fields: Fields, blocks: readonly string[]): Note | undefined {
  const unknown = fields.size > REQUIRED_FIELDS ? unknownFieldNote(fields) : undefined;
  const silent = silentBlocksNote(blocks);
  return joinNotes(unknown, silent === undefined ? undefined : { text: silent, logText: silent });
}

/** Two notes as one; `undefined` if there is neither. */
export function joinNotes(one: Note | undefined, other: Note | undefined): Note | undefined {
  if (one === undefined || other === undefined) return one ?? other;
  return {
    text: `${one.text} ${other.text}`,
    logText: `${one.logText} ${other.logText}`,
  };
}

function unknownFieldNote(fields: Fields): Note | undefined {
  const unknown: string[] = [];
  for (const name of fields.names()) if (!EMIT_FIELDS.includes(name)) unknown.push(name);
  const [first] = unknown;
  if (first === undefined) return undefined;
  const absent = EMIT_FIELDS.filter((field) => fields.all(field).length === 0);
  const meantBy = (name: string) => absent.find((field) => isSimilar(field, name));
  const name = unknown.find((one) => meantBy(one) !== undefined) ?? first;
  const meant = meantBy(name);
  const others = unknown.length - 1;
  const more = others === 0 ? "" : ` So ${others === 1 ? "was" : "were"} ${others} more.`;
  const text = (subject: string) =>
    `${subject} was ignored${meant === undefined ? "." : `; did you mean ${meant}?`}${more}`;
  return {
    text: text(`Unknown field ${shown(name)}`),
    // A payload that was not encoded is cut at each "&", and its parts look like fields.
    logText: text(meant === undefined ? "An unknown field" : `Unknown field ${shown(name)}`),
  };
}

function silentBlocksNote(blocks: readonly string[]): string | undefined {
  const silent = blocks.filter((block) => !hasData(block)).length;
  if (silent === 0) return undefined;
  if (silent === blocks.length) return "The payload has no data: line: browsers dispatch nothing.";
  const [verb, them] = silent === 1 ? ["has", "it"] : ["have", "them"];
  return `${silent} of the payload's ${blocks.length} events ${verb} no data: line: ` +
    `browsers dispatch nothing for ${them}.`;
}
