import type { SecretSource } from "../config/settings.ts";
import { StartError } from "../lib/errors.ts";

/**
 * The configured secret: the text, or the content of the file without its last line end.
 *
 * @throws StartError if the file cannot be read or is empty.
 */
export function readSecret({ text, file }: SecretSource): string | undefined {
  if (file === undefined) return text;
  let content: string;
  try {
    content = Deno.readTextFileSync(file).replace(/\r?\n$/, "");
  } catch (error) {
    throw new StartError(`Cannot read the secret file ${file}: ${reasonOf(error)}.`);
  }
  if (content === "") {
    throw new StartError(`Cannot use the secret file ${file}: it is empty.`);
  }
  return content;
}

/** Whether a secret has fewer bytes than the digests of HS256, which makes it easier to guess (RFC 7518, 3.2). */
export function isShort(secret: string): boolean {
  return new TextEncoder().encode(secret).length < 32;
}

/** A secret of 256 random bits, for a server without a configured secret. */
export function randomSecret(): string {
  return crypto.getRandomValues(new Uint8Array(32)).toHex();
}

function reasonOf(error: unknown): string {
  if (error instanceof Deno.errors.NotFound) return "there is no such file";
  if (error instanceof Deno.errors.PermissionDenied) return "permission denied";
  // The runtime's message advises flags of its own, for some folders even to allow everything.
  if (error instanceof Deno.errors.NotCapable) {
    return "this program was started without permission for it";
  }
  const text = error instanceof Error ? error.message : String(error);
  return text.split("\n", 1)[0] ?? "unknown reason";
}
