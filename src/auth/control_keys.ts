import { createHash } from "node:crypto";
import { ControlRights } from "./control_rights.ts";

/** A key that back ends and operators send with control requests. The server has only its digest. */
export interface ControlKey {
  /** Names the key in the log and in answers. */
  readonly name: string;
  /** SHA-256, in lower case hexadecimal digits. */
  readonly digest: string;
  readonly rights: ControlRights;
}

/** What a key in the file of control keys may be called, for messages. */
export const KEY_NAME_RULE =
  "1 to 64 letters, digits, dots, hyphens and underscores, a letter or a digit first";

/** Before a digest in the file, to tell which digest it is. */
const ALGORITHM = "sha256:";

/** Whether a key in the file of control keys may have this name. */
export function isKeyName(text: string): boolean {
  return /^[a-z0-9][\w.-]{0,63}$/i.test(text);
}

/**
 * The digest by which a control key is looked up. How long the look-up takes depends on the digest
 * alone, from which nothing about a key can be learned.
 *
 * @param encoding `latin1` for a value that the runtime has read from a header: this gives back the
 *   bytes that were sent.
 */
export function digestOf(key: string, encoding: "utf8" | "latin1" = "utf8"): string {
  return createHash("sha256").update(key, encoding).digest("hex");
}

/** A control key of 256 random bits. */
export function randomControlKey(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(32));
  return bytes.toBase64({ alphabet: "base64url", omitPadding: true });
}

/** The line of the file of control keys for a key; `rights` are words that `ControlRights.parse` reads. */
export function controlKeyLine(name: string, key: string, rights: readonly string[]): string {
  return [name, ALGORITHM + digestOf(key), ...rights].join(" ");
}

/**
 * Reads the file of control keys: a key on each line, as `NAME sha256:DIGEST RIGHT...`, but for blank
 * lines and those that begin with `#`.
 *
 * @returns a sentence that names the line and what is wrong with it, where the file is not understood.
 *   It repeats nothing of the file but names: whoever mistakes its form may have put a key into it.
 */
export function parseControlKeys(text: string): readonly ControlKey[] | string {
  const keys: ControlKey[] = [];
  for (const [index, line] of text.split("\n").entries()) {
    const words = line.trim().split(/\s+/);
    if (words[0] === "" || words[0]?.startsWith("#")) continue;
    const key = parseLine(words);
    const wrong = typeof key === "string" ? key : takenBy(key, keys);
    if (wrong !== undefined) return `line ${index + 1}: ${wrong}`;
    if (typeof key !== "string") keys.push(key);
  }
  return keys.length > 0 ? keys : "it has no key; make one with sse-server key";
}

function parseLine([name = "", digest = "", ...words]: readonly string[]): ControlKey | string {
  if (!isKeyName(name)) return `the name must be ${KEY_NAME_RULE}`;
  if (!/^sha256:[0-9a-f]{64}$/i.test(digest)) {
    return `after the name must come ${ALGORITHM} and 64 hexadecimal digits, the key's digest`;
  }
  const rights = ControlRights.parse(words);
  if (typeof rights === "string") return rights;
  return { name, digest: digest.slice(ALGORITHM.length).toLowerCase(), rights };
}

/** What is wrong with a key beside those before it: the log could not tell which of two did something. */
function takenBy(key: ControlKey, others: readonly ControlKey[]): string | undefined {
  if (others.some(({ name }) => name === key.name)) return `a line before has the name ${key.name}`;
  const same = others.find(({ digest }) => digest === key.digest);
  return same && `the key is that of ${same.name}`;
}
