/**
 * Fields of control requests, without a request.
 *
 * @module
 */
import { BadField } from "../../src/lib/errors.ts";
import type { Fields } from "../../src/requests/fields.ts";
import { assert } from "./assert.ts";

/** Fields of a control request that are given by hand. */
export type GivenFields = Readonly<Record<string, string | readonly string[] | undefined>>;

/** The fields that are given. */
export function fieldsOf(given: GivenFields): Fields {
  const names = Object.keys(given).filter((name) => given[name] !== undefined);
  return {
    all: (name) => [given[name] ?? []].flat(),
    names: () => names,
    size: names.length,
  };
}

/**
 * What a reader of fields refuses.
 *
 * @throws {Error} where it refuses nothing, or throws anything else.
 */
export function refusedField(action: () => unknown): BadField {
  try {
    action();
  } catch (error) {
    assert(error instanceof BadField, `a bad field, not ${error}`);
    return error;
  }
  throw new Error("it was accepted");
}
