/**
 * The benchmark's own programs in C, built where they are run.
 *
 * @module
 */
import { run } from "../support/child_process.ts";
import { findProgram } from "../support/tools.ts";
import { cacheFolder, sourcePath } from "./folders.ts";

/** The load generator, and the floor that is measured with it. */
export type ProgramName = "load" | "floor";

/** Where a program is, once it has been built. */
export function programPath(name: ProgramName): string {
  return `${cacheFolder()}/${name}`;
}

/** Builds both; it takes about a second, so there is no telling old from new. */
export async function buildPrograms(): Promise<void> {
  const compiler = findProgram("cc", "gcc", "clang");
  if (compiler === undefined) throw new Error("no C compiler: install gcc and libc6-dev");
  await Deno.mkdir(cacheFolder(), { recursive: true });
  await Promise.all([
    build(compiler, "load", await sourcesIn("load")),
    build(compiler, "floor", [sourcePath("floor.c")]),
  ]);
}

async function sourcesIn(folder: string): Promise<readonly string[]> {
  const sources: string[] = [];
  for await (const { name } of Deno.readDir(sourcePath(folder))) {
    if (name.endsWith(".c")) sources.push(sourcePath(`${folder}/${name}`));
  }
  return sources;
}

async function build(
  compiler: string,
  name: ProgramName,
  sources: readonly string[],
): Promise<void> {
  const options = ["-O2", "-Wall", "-Wextra", "-pthread"];
  // Another run may be using the old one: a new file takes its place in one step.
  const built = `${programPath(name)}.${Deno.pid}`;
  const result = await run(compiler, [...options, "-o", built, ...sources], { deadlineMs: 60_000 });
  if (result.code !== 0) throw new Error(`${name} does not compile:\n${result.stderr}`);
  await Deno.rename(built, programPath(name));
}
