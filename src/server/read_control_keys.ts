import { type ControlKey, digestOf, parseControlKeys } from "../auth/control_keys.ts";
import { ControlRights } from "../auth/control_rights.ts";
import type { Config } from "../config/config.ts";
import { StartError } from "../lib/errors.ts";
import { readSecret } from "./secrets.ts";
import { readTextFile } from "./text_file.ts";

/** What the log calls the key of `-control-key`: no key in a file can have this name. */
const SINGLE_KEY_NAME = "-control-key";

/**
 * The control keys: those of the file of `-control-keys`, and that of `-control-key` or
 * `-control-key-file`, which has every right.
 *
 * @returns `undefined` if neither is configured: control requests need no key then.
 * @throws StartError if a file cannot be read or is wrong.
 */
export function readControlKeys(config: Config): readonly ControlKey[] | undefined {
  const { controlKeys, controlKey } = config;
  const named = controlKeys === undefined ? undefined : readNamedKeys(controlKeys);
  const single = readSecret(controlKey);
  if (single === undefined) return named;
  const key = { name: SINGLE_KEY_NAME, digest: digestOf(single), rights: ControlRights.all };
  return [...named ?? [], key];
}

/** Whether control keys stand in files, which can be read anew. */
export function hasControlKeyFiles({ controlKeys, controlKey }: Config): boolean {
  return controlKeys !== undefined || controlKey.file !== undefined;
}

function readNamedKeys(file: string): readonly ControlKey[] {
  const keys = parseControlKeys(readTextFile("control keys file", file));
  if (typeof keys !== "string") return keys;
  throw new StartError(`Cannot use the control keys file ${file}: ${keys}.`);
}
