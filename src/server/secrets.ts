import type { SecretSource } from "../config/settings.ts";
import { StartError } from "../lib/errors.ts";
import { readTextFile } from "./text_file.ts";

/**
 * The configured secret: the text, or the content of the file without its last line end.
 *
 * @throws StartError if the file cannot be read or is empty.
 */
export function readSecret({ text, file }: SecretSource): string | undefined {
  if (file === undefined) return text;
  const content = readTextFile("secret file", file).replace(/\r?\n$/, "");
  if (content === "") throw emptyFile(file);
  return content;
}

/** Whether a secret has fewer bytes than the digests of HS256, which makes it easier to guess (RFC 7518, 3.2). */
export function isShort(secret: string): boolean {
  return new TextEncoder().encode(secret).length < 32;
}

/**
 * The secrets in a file, one a line.
 *
 * @throws StartError if the file cannot be read or holds no secret.
 */
export function readSecretLines(file: string): readonly string[] {
  const secrets = readTextFile("secret file", file).split(/\r?\n/).filter((line) => line !== "");
  if (secrets.length === 0) throw emptyFile(file);
  return secrets;
}

function emptyFile(file: string): StartError {
  return new StartError(`Cannot use the secret file ${file}: it is empty.`);
}

/** A secret of 256 random bits, for a server without a configured secret. */
export function randomSecret(): string {
  return crypto.getRandomValues(new Uint8Array(32)).toHex();
}

/** The key of the demo page: 128 random bits, short enough for an address. */
export function randomPageKey(): string {
  return crypto.getRandomValues(new Uint8Array(16)).toHex();
}
