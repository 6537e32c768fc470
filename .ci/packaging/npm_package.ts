/**
 * `deno task package:npm`: makes dist/npm/, which `npm pack` and `npm publish` take. Deno does not strip types from
 * files below node_modules, so the package has the source as JavaScript.
 *
 * @module
 */
import manifest from "../../deno.json" with { type: "json" };
import template from "./npm/package.json" with { type: "json" };
import { filesBelow, PROJECT_ROOT, runOrThrow } from "./files.ts";

/** Files of the source that are there for the type checker, or make a package of their own. */
const LEFT_OUT = /\.d\.ts$|\/package\.json$/;

/** An import, or the address of a worker thread, of another module of the source. */
const MODULE_NAME = /(["'])(\.{1,2}\/[^"'\n]*)\.ts\1/g;

/**
 * Makes the package.
 *
 * @param out the folder to make; what is there is removed.
 */
export async function makeNpmPackage(out: string): Promise<void> {
  await removeIfThere(out);
  const source = ["main.ts", ...await filesBelow("src")].filter((path) => !LEFT_OUT.test(path));
  const modules = source.filter((path) => path.endsWith(".ts"));
  await runOrThrow(Deno.execPath(), ["transpile", "--quiet", "--outdir", out, ...modules]);
  for (const path of modules) {
    const file = `${out}/${path.replace(/\.ts$/, ".js")}`;
    await Deno.writeTextFile(
      file,
      (await Deno.readTextFile(file)).replaceAll(MODULE_NAME, "$1$2.js$1"),
    );
  }
  const texts = source.filter((path) => !path.endsWith(".ts"));
  for (const path of ["LICENSE", ...texts]) {
    const copy = `${out}/${path}`;
    await Deno.mkdir(copy.slice(0, copy.lastIndexOf("/")), { recursive: true });
    await Deno.copyFile(PROJECT_ROOT + path, copy);
  }
  for (const name of ["start.mjs", "README.md"]) {
    await Deno.copyFile(`${PROJECT_ROOT}.ci/packaging/npm/${name}`, `${out}/${name}`);
  }
  const { version } = manifest;
  await writeJson(`${out}/deno.json`, { version });
  const { name, ...rest } = template;
  await writeJson(`${out}/package.json`, { name, version, ...rest, dependencies: dependencies() });
}

/** The packages that the source imports, and the Deno that this runs in: that of the tests. */
function dependencies(): Readonly<Record<string, string>> {
  const imported = Object.entries(manifest.imports).map(([name, address]) =>
    [name, address.slice(`npm:${name}@`.length)] as const
  );
  return Object.fromEntries([["deno", Deno.version.deno], ...imported]);
}

async function writeJson(path: string, value: unknown): Promise<void> {
  await Deno.writeTextFile(path, JSON.stringify(value, undefined, 2) + "\n");
}

async function removeIfThere(folder: string): Promise<void> {
  try {
    await Deno.remove(folder, { recursive: true });
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  }
}

if (import.meta.main) await makeNpmPackage(`${PROJECT_ROOT}dist/npm`);
