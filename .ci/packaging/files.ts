/**
 * What the scripts that make packages share.
 *
 * @module
 */

import { fileURLToPath } from "node:url";

/** The folder that holds main.ts and deno.json. */
export const PROJECT_ROOT = fileURLToPath(new URL("../../", import.meta.url));

/** The files below a folder of the project, sorted, as paths from the project's own. */
export async function filesBelow(folder: string): Promise<readonly string[]> {
  const files: string[] = [];
  for await (const { name, isDirectory } of Deno.readDir(PROJECT_ROOT + folder)) {
    const path = `${folder}/${name}`;
    if (isDirectory) files.push(...await filesBelow(path));
    else files.push(path);
  }
  return files.toSorted();
}

/**
 * Runs a program in the project's folder.
 *
 * @throws Error with its output, if it fails.
 */
export async function runOrThrow(program: string, args: readonly string[]): Promise<void> {
  const { success, code, stdout, stderr } = await new Deno.Command(program, {
    args: [...args],
    cwd: PROJECT_ROOT,
    stdin: "null",
  }).output();
  if (success) return;
  const written = new TextDecoder().decode(stdout) + new TextDecoder().decode(stderr);
  throw new Error(`${program} ${args[0] ?? ""} ended with status ${code}: ${written.trim()}`);
}
