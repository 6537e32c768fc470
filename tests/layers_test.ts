import { assert, assertEquals } from "./support/assert.ts";
import { readSourceFiles, type SourceFile } from "./support/source_files.ts";

/** Lowest first: a module may import from its own floor and from those below it. */
const FLOORS = ["words", "parts", "hub", "http", "process", "main"];

/** Packages that one module alone wraps, so that to change the package is to change that module. */
const WRAPPED: Readonly<Record<string, RegExp>> = {
  "@redis/client": /^src\/hub\/redis_(session|errors)\.ts$/,
  jose: /^src\/parts\/token\.ts$/,
  "node:util": /^src\/parts\/flags\.ts$/,
  "node:querystring": /^src\/http\/body\.ts$/,
  "node:sqlite": /^src\/hub\/sqlite_\w+\.ts$/,
};

/** Packages that any module may use. */
const COMMON = ["node:crypto"];

const MAX_LINES = 250;

const files = await readSourceFiles();

function floorOf(path: string): number {
  return FLOORS.indexOf(path === "main.ts" ? "main" : path.split("/")[1] ?? "");
}

function isLocal(name: string): boolean {
  return name.startsWith("src/") || name === "main.ts";
}

function pathsWhere(test: (file: SourceFile) => boolean): readonly string[] {
  return files.filter(test).map(({ path }) => path);
}

Deno.test("every module stands on a floor", () => {
  assert(files.length > 25, `only ${files.length} modules were found`);
  assertEquals(pathsWhere(({ path }) => floorOf(path) < 0), []);
});

Deno.test("all of it is TypeScript, but for the scripts that Redis runs", () => {
  const allowed = /\.ts$|^src\/hub\/redis_\w+\.lua$/;
  assertEquals(pathsWhere(({ path }) => !allowed.test(path)), []);
});

Deno.test("a module imports only from its own floor and from those below", () => {
  const upward = files.flatMap(({ path, imports }) =>
    imports.filter((name) => isLocal(name) && floorOf(name) > floorOf(path))
      .map((name) => `${path} imports ${name}`)
  );
  assertEquals(upward, []);
});

Deno.test("imports name modules that are there", () => {
  const known = new Set(files.map(({ path }) => path));
  const unknown = files.flatMap(({ imports }) => imports)
    .filter((name) => name.startsWith("src/") && !known.has(name));
  assertEquals(unknown, []);
});

Deno.test("no module imports itself by way of others", () => {
  const importsOf = new Map(files.map(({ path, imports }) => [path, imports.filter(isLocal)]));
  const cycles: string[] = [];
  const finished = new Set<string>();
  const visit = (path: string, trail: readonly string[]) => {
    if (trail.includes(path)) cycles.push([...trail, path].join(" -> "));
    else if (!finished.has(path)) {
      for (const next of importsOf.get(path) ?? []) visit(next, [...trail, path]);
      finished.add(path);
    }
  };
  for (const { path } of files) visit(path, []);
  assertEquals(cycles, []);
});

Deno.test("no module only passes on what others export, and none has a default export", () => {
  assertEquals(pathsWhere(({ path }) => /\/(mod|index)\.ts$/.test(path)), []);
  assertEquals(pathsWhere(({ code }) => /^export\s[^;]*\bfrom\s*["']/m.test(code)), []);
  assertEquals(pathsWhere(({ code }) => /^export default\b/m.test(code)), []);
});

Deno.test("each package is used in the one place that wraps it", () => {
  const misplaced = files.flatMap(({ path, imports }) =>
    imports.filter((name) => !isLocal(name) && !COMMON.includes(name) && name !== "deno.json")
      .filter((name) => !WRAPPED[name]?.test(path))
      .map((name) => `${path} imports ${name}`)
  );
  assertEquals(misplaced, []);
});

Deno.test("only the process floor, main.ts and the store's file know the runtime", () => {
  const allowed = /^(main\.ts|src\/process\/|src\/hub\/sqlite_)/;
  assertEquals(pathsWhere(({ path, code }) => /\bDeno\b/.test(code) && !allowed.test(path)), []);
});

Deno.test("only the logger writes to the console", () => {
  assertEquals(pathsWhere(({ code }) => /\bconsole\b/.test(code)), ["src/parts/logger.ts"]);
});

Deno.test("only the clock asks the machine for the time", () => {
  const asksTime = /\b(Date\.now|performance\.now)\b|new Date\(\)/;
  assertEquals(pathsWhere(({ code }) => asksTime.test(code)), ["src/parts/clock.ts"]);
});

Deno.test("no module is longer than a reader can hold", () => {
  const tooLong = files.map(({ path, text }) => ({ path, lines: text.split("\n").length - 1 }))
    .filter(({ lines }) => lines > MAX_LINES);
  assertEquals(tooLong, []);
});
