import { BadField } from "../lib/errors.ts";
import { isName, NAME_RULE } from "../lib/names.ts";

/** The fields of a control request, whatever its body's format was. */
export interface Fields {
  /** Every value of a field, in order; empty where it is absent. */
  all(name: string): readonly string[];
}

/** A required name of a user or a channel. @throws BadField */
export function requiredName(fields: Fields, field: string, meaning: string): string {
  const value = required(fields, field, meaning);
  checkName(field, value);
  return value;
}

/** @throws BadField where a value is no name. */
export function checkName(field: string, value: string): void {
  if (!isName(value)) throw new BadField(field, `Bad field ${field}: it must be ${NAME_RULE}.`);
}

/** The one value of a field that must be there. @throws BadField */
export function required(fields: Fields, field: string, meaning: string): string {
  const value = optional(fields, field);
  if (value === undefined || value === "") throw missing(field, meaning);
  return value;
}

/** What is thrown where a field is absent. */
export function missing(field: string, meaning: string): BadField {
  return new BadField(field, `Missing field ${field}: ${meaning}.`);
}

/** The one value of a field, if it has any. @throws BadField for several */
export function optional(fields: Fields, name: string): string | undefined {
  const values = fields.all(name);
  if (values.length > 1) {
    throw new BadField(name, `Bad field ${name}: it was given more than once.`);
  }
  return values[0];
}
