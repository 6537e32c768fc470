import { BadField, UnknownField } from "../lib/errors.ts";
import { isName, NAME_RULE } from "../lib/names.ts";
import { isSimilar } from "../lib/similar_names.ts";
import { shown } from "../lib/shown_text.ts";

/** The fields of a control request, in any format of its body. */
export interface Fields {
  /** Every value of a field, in order; empty for an absent field. */
  all(name: string): readonly string[];
  /** The names of all given fields, each once. */
  names(): Iterable<string>;
  /** How many names there are. */
  readonly size: number;
}

/** A required name of a user or a channel. @throws BadField */
export function requiredName(fields: Fields, field: string, meaning: string): string {
  const value = required(fields, field, meaning);
  checkName(field, value);
  return value;
}

/** @throws BadField if the value is not a name. */
export function checkName(field: string, value: string): void {
  if (!isName(value)) throw new BadField(field, `Bad field ${field}: it must be ${NAME_RULE}.`);
}

/** The names of channels, or patterns, each once; none for an absent field. @throws BadField */
export function readChannels(fields: Fields): readonly string[] {
  const channels = [...new Set(fields.all("channel"))];
  for (const channel of channels) checkName("channel", channel);
  return channels;
}

/** @throws BadField naming a field that a request does not take. */
export function checkKnown(fields: Fields, known: readonly string[]): void {
  for (const name of fields.names()) {
    if (known.includes(name)) continue;
    throw new UnknownField(
      name,
      `Unknown field ${shown(name)}: use ${alternatives.format(known)}.`,
    );
  }
}

const alternatives = new Intl.ListFormat("en-GB", { type: "disjunction" });

/** The single value of a required field. @throws BadField */
export function required(fields: Fields, field: string, meaning: string): string {
  const value = optional(fields, field);
  if (value === undefined || value === "") throw missing(fields, field, meaning);
  return value;
}

/** The error for an absent or empty field; names a given field that may have been meant. */
export function missing(fields: Fields, field: string, meaning: string): BadField {
  const given = similarField(fields, field);
  return new BadField(
    field,
    given === undefined
      ? `Missing field ${field}: ${meaning}.`
      : `Missing field ${field} (got ${shown(given)}).`,
  );
}

/** A given field with almost the name of another, or with the beginning of it, as `user` of `userId`. */
export function similarField(fields: Fields, field: string): string | undefined {
  for (const name of fields.names()) {
    if (name !== field && (isSimilar(name, field) || isBeginning(name, field))) return name;
  }
  return undefined;
}

const SHORTEST_BEGINNING = 3;

function isBeginning(name: string, field: string): boolean {
  return name.length >= SHORTEST_BEGINNING && field.toLowerCase().startsWith(name.toLowerCase());
}

/** The single value of a field; `undefined` for an absent field. @throws BadField for several values. */
export function optional(fields: Fields, name: string): string | undefined {
  const values = fields.all(name);
  if (values.length > 1) {
    throw new BadField(name, `Bad field ${name}: it was given more than once.`);
  }
  return values[0];
}
