import {
  controlKeyLine,
  isKeyName,
  KEY_NAME_RULE,
  randomControlKey,
} from "../auth/control_keys.ts";
import { ControlRights } from "../auth/control_rights.ts";
import { UsageError } from "../lib/errors.ts";

/**
 * What `sse-server key` prints: a new control key, and the line for the file of `-control-keys`, from
 * which nobody can learn the key.
 *
 * @param flags the values of `KEY_OPTIONS` by name.
 * @throws UsageError naming the flag that is missing or wrong.
 */
export function makeKey(flags: Readonly<Record<string, readonly string[]>>): string {
  const name = flags.name?.at(-1);
  if (name === undefined) throw new UsageError("Missing flag -name: what the log calls the key.");
  if (!isKeyName(name)) throw new UsageError(`Bad value in -name: it must be ${KEY_NAME_RULE}.`);
  const words = (flags.may ?? []).flatMap((text) => text.split(/\s+/)).filter((word) =>
    word !== ""
  );
  const rights = ControlRights.parse(words);
  if (typeof rights === "string") throw new UsageError(`Bad value in -may: ${rights}.`);
  const key = randomControlKey();
  return `The key, which is shown only now:
${key}

The line for the file of -control-keys:
${controlKeyLine(name, key, words)}`;
}
