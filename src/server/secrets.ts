import type { SecretSource } from "../config/settings.ts";
import { StartError } from "../lib/errors.ts";

/**
 * The configured secret: the text itself, or the file's content without its last line end.
 *
 * @throws StartError where the file cannot be read or is empty.
 */
export function readSecret({ text, file }: SecretSource): string | undefined {
  if (file === undefined) return text;
  let content: string;
  try {
    content = Deno.readTextFileSync(file).replace(/\r?\n$/, "");
  } catch (error) {
    const reason = error instanceof Deno.errors.NotFound
      ? "there is no such file"
      : error instanceof Error
      ? error.message.split("\n", 1)[0]
      : "unknown reason";
    throw new StartError(`Cannot read the secret file ${file}: ${reason}.`);
  }
  if (content === "") {
    throw new StartError(`Cannot use the secret file ${file}: it is empty.`);
  }
  return content;
}

/** A secret of 256 random bits, for a server that was given none. */
export function randomSecret(): string {
  return crypto.getRandomValues(new Uint8Array(32)).toHex();
}
