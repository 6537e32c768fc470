/**
 * What the packages and workflows of the repository are checked against.
 *
 * @module
 */
import { findProgram, runsInCi, say } from "./tools.ts";
import { PROJECT_ROOT } from "./server_command.ts";

/** A text file of the repository. */
export function readProjectFile(path: string): Promise<string> {
  return Deno.readTextFile(PROJECT_ROOT + path);
}

/** The version of Deno that the tests of CI run with. */
export async function pinnedDeno(): Promise<string> {
  return /\bdeno@(\d+\.\d+\.\d+) /.exec(await readProjectFile(".ci/run"))?.[1] ?? "";
}

/**
 * For `Deno.test`: ignores a test where some programs or root's rights are missing, and says so. With `CI=true`
 * nothing is ignored.
 */
export function requiresRoot(...programs: readonly string[]): { ignore: boolean } {
  if (runsInCi()) return { ignore: false };
  const missing = programs.filter((name) => findProgram(name) === undefined);
  if (Deno.uid() !== 0) missing.push("root's rights");
  if (missing.length > 0) say(`a test is ignored: it needs ${missing.join(" and ")}`);
  return { ignore: missing.length > 0 };
}
