import { StartError } from "../lib/errors.ts";

/**
 * The content of a file that the settings name.
 *
 * @param kind what the file is, for the message.
 * @throws StartError if it cannot be read.
 */
export function readTextFile(kind: string, file: string): string {
  try {
    return Deno.readTextFileSync(file);
  } catch (error) {
    throw new StartError(`Cannot read the ${kind} ${file}: ${reasonOf(error)}.`);
  }
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
