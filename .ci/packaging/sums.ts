/**
 * `deno task release:sums`: writes SHA256SUMS of the files in dist/release, as `sha256sum --check` reads it.
 *
 * @module
 */
import { PROJECT_ROOT } from "./files.ts";

/** The name of the file with the sums. */
const SUMS = "SHA256SUMS";

/** Writes the sums of a folder's files into it. */
export async function writeSums(folder: string): Promise<void> {
  const lines: string[] = [];
  for await (const { name, isFile } of Deno.readDir(folder)) {
    if (!isFile || name === SUMS) continue;
    const digest = await crypto.subtle.digest("SHA-256", await Deno.readFile(`${folder}/${name}`));
    lines.push(`${new Uint8Array(digest).toHex()}  ${name}\n`);
  }
  const byName = (line: string) => line.slice(line.indexOf(" "));
  lines.sort((a, b) => byName(a) < byName(b) ? -1 : 1);
  await Deno.writeTextFile(`${folder}/${SUMS}`, lines.join(""));
}

if (import.meta.main) await writeSums(`${PROJECT_ROOT}dist/release`);
