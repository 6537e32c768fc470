/**
 * PHP scripts, run by the real command-line PHP.
 *
 * @module
 */
import { run } from "./child_process.ts";
import { toolPath } from "./tools.ts";

/**
 * Runs a PHP script and returns what it printed.
 *
 * @param script The script, from its `<?php` on.
 * @param args What it finds in `$argv`, from 1 on.
 * @throws {Error} with its errors, if it fails or warns of anything.
 */
export async function runPhp(
  script: string,
  args: readonly string[],
): Promise<string> {
  const options = ["-d", "display_errors=stderr", "-d", "error_reporting=-1"];
  const result = await run(toolPath("php"), [...options, "--", ...args], {
    stdin: script,
  });
  if (result.code === 0 && result.stderr === "") return result.stdout;
  throw new Error(
    `PHP ended with ${result.code}: ${result.stderr}${result.stdout}`,
  );
}
