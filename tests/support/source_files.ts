/**
 * The program's own source, read as text.
 *
 * @module
 */
import { PROJECT_ROOT } from "./server_command.ts";

/** One module of the program. */
export interface SourceFile {
  /** From the project's root, such as `src/sse/event.ts`. */
  readonly path: string;
  readonly text: string;
  /** The text without its comments. */
  readonly code: string;
  /** What it imports: a path from the project's root, or the name of a package as it is written. */
  readonly imports: readonly string[];
}

/** Every module of the program, `main.ts` included. */
export async function readSourceFiles(): Promise<readonly SourceFile[]> {
  const files = [await readSourceFile("main.ts")];
  for (const path of await listModules("src")) files.push(await readSourceFile(path));
  return files;
}

async function listModules(folder: string): Promise<readonly string[]> {
  const paths: string[] = [];
  for await (const entry of Deno.readDir(PROJECT_ROOT + folder)) {
    const path = `${folder}/${entry.name}`;
    if (entry.isDirectory) paths.push(...await listModules(path));
    else paths.push(path);
  }
  return paths.sort();
}

async function readSourceFile(path: string): Promise<SourceFile> {
  const text = await Deno.readTextFile(PROJECT_ROOT + path);
  const code = text.replace(/\/\*[^]*?\*\//g, "").replace(/(^|[^:"'`])\/\/.*$/gm, "$1");
  const imports = [...code.matchAll(/\b(?:from|import)\s*\(?\s*["']([^"']+)["']/g)];
  return { path, text, code, imports: imports.map(([, name = ""]) => resolve(name, path)) };
}

function resolve(name: string, importer: string): string {
  if (!name.startsWith(".")) return name;
  return new URL(name, `file:///${importer}`).pathname.slice(1);
}
