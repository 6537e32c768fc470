/**
 * Control keys for tests, by way of the file's own form.
 *
 * @module
 */
import { type ControlKey, controlKeyLine, parseControlKeys } from "../../src/auth/control_keys.ts";

/**
 * A key of that name and text, with rights such as `emit:orders.*`.
 *
 * @throws {Error} for a key that a file could not hold.
 */
export function controlKeys(
  name: string,
  key = name,
  rights: readonly string[] = ["all"],
): readonly ControlKey[] {
  const keys = parseControlKeys(controlKeyLine(name, key, rights));
  if (typeof keys === "string") throw new Error(keys);
  return keys;
}
