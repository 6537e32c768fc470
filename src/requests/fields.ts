import { BadField } from "../lib/errors.ts";
import { isName, NAME_RULE } from "../lib/names.ts";

/** The fields of a control request, in any format of its body. */
export interface Fields {
  /** Every value of a field, in order; empty for an absent field. */
  all(name: string): readonly string[];
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

/** The single value of a required field. @throws BadField */
export function required(fields: Fields, field: string, meaning: string): string {
  const value = optional(fields, field);
  if (value === undefined || value === "") throw missing(field, meaning);
  return value;
}

/** The error for an absent field. */
export function missing(field: string, meaning: string): BadField {
  return new BadField(field, `Missing field ${field}: ${meaning}.`);
}

/** The single value of a field; `undefined` for an absent field. @throws BadField for several values. */
export function optional(fields: Fields, name: string): string | undefined {
  const values = fields.all(name);
  if (values.length > 1) {
    throw new BadField(name, `Bad field ${name}: it was given more than once.`);
  }
  return values[0];
}
