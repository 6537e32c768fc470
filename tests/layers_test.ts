import { assert, assertEquals } from "./support/assert.ts";
import { readSourceFiles, type SourceFile } from "./support/source_files.ts";

/**
 * Which folder may import from which, besides itself; lowest first. A folder stands here once, so
 * that to see what a change may touch is to read one line.
 */
const MAY_IMPORT: Readonly<Record<string, readonly string[]>> = {
  "src/lib": [],
  "src/client": [],
  "src/operator_page": [],
  "src/sse": ["src/lib"],
  "src/auth": ["src/lib"],
  "src/observability": ["src/lib"],
  "src/requests": ["src/lib", "src/sse", "src/auth"],
  "src/broker": ["src/lib", "src/sse", "src/auth", "src/observability"],
  "src/broker/sqlite": ["src/lib", "src/sse", "src/auth", "src/observability", "src/broker"],
  "src/broker/redis/lua": [],
  "src/broker/redis": [
    "src/broker/redis/lua",
    "src/lib",
    "src/sse",
    "src/auth",
    "src/observability",
    "src/broker",
  ],
  "src/broker/thread": [
    "src/lib",
    "src/sse",
    "src/auth",
    "src/broker",
  ],
  "src/hub": ["src/lib", "src/sse", "src/auth", "src/observability", "src/broker"],
  "src/explain": ["src/lib", "src/sse", "src/auth", "src/broker", "src/hub"],
  "src/config": [
    "src/lib",
    "src/auth",
    "src/observability",
    "src/broker",
    "src/hub",
    "src/explain",
  ],
  "src/http": ["src/lib", "src/auth", "src/observability", "src/requests"],
  "src/http/handlers": [
    "src/lib",
    "src/client",
    "src/operator_page",
    "src/sse",
    "src/auth",
    "src/observability",
    "src/requests",
    "src/broker",
    "src/hub",
    "src/explain",
    "src/config",
    "src/http",
  ],
  "src/server": [
    "src/lib",
    "src/sse",
    "src/auth",
    "src/observability",
    "src/broker",
    "src/broker/thread",
    "src/hub",
    "src/explain",
    "src/config",
    "src/http",
    "src/http/handlers",
  ],
  "src/cli": [
    "src/lib",
    "src/auth",
    "src/observability",
    "src/requests",
    "src/config",
    "src/server",
  ],
  ".": ["src/cli"],
};

/** The one module that knows the stores: everything else knows only what a broker is. */
const KNOWS_STORES = "src/server/open_broker.ts";
const STORES = ["src/broker/sqlite", "src/broker/redis"];

/** Packages that one module alone wraps, so that to change the package is to change that module. */
const WRAPPED: Readonly<Record<string, RegExp>> = {
  "@redis/client": /^src\/broker\/redis\/redis_(session|errors)\.ts$/,
  jose: /^src\/auth\/jwt_library\.ts$/,
  "node:net": /^src\/lib\/trusted_proxies\.ts$/,
  "node:process": /^src\/server\/process_facts\.ts$/,
  "node:util": /^src\/cli\/flags\.ts$/,
  "node:querystring": /^src\/http\/body\.ts$/,
  "node:sqlite": /^src\/broker\/sqlite\//,
  "node:worker_threads": /^src\/server\/worker(_thread)?\.ts$/,
};

/** Packages that any module may use. */
const COMMON = ["node:crypto"];

const files = await readSourceFiles();

function folderOf(path: string): string {
  const end = path.lastIndexOf("/");
  return end < 0 ? "." : path.slice(0, end);
}

function mayImport(path: string, imported: string): boolean {
  const from = folderOf(path);
  const to = folderOf(imported);
  if (from === to) return true;
  if (STORES.includes(to)) return path === KNOWS_STORES;
  return MAY_IMPORT[from]?.includes(to) ?? false;
}

function isLocal(name: string): boolean {
  return name.startsWith("src/") || name === "main.ts";
}

function pathsWhere(test: (file: SourceFile) => boolean): readonly string[] {
  return files.filter(test).map(({ path }) => path);
}

Deno.test("every module is in a folder of the table, and the table has no other", () => {
  assert(files.length > 25, `only ${files.length} modules were found`);
  const folders = new Set(files.map(({ path }) => folderOf(path)));
  assertEquals([...folders].toSorted(), Object.keys(MAY_IMPORT).toSorted());
});

Deno.test("the table goes strictly downward", () => {
  const folders = Object.keys(MAY_IMPORT);
  const upward = folders.flatMap((from, n) =>
    (MAY_IMPORT[from] ?? []).filter((to) => folders.indexOf(to) >= n).map((to) =>
      `${from} -> ${to}`
    )
  );
  assertEquals(upward, []);
});

Deno.test("all of it is TypeScript, but for the scripts that Redis runs, what browsers run, and the interface's description", () => {
  const allowed =
    /\.ts$|^src\/broker\/redis\/lua\/\w+\.lua$|\/demo_page\.html$|\/handlers\/openapi\.json$|^src\/client\/(client\.js|package\.json)$|^src\/operator_page\/\w+\.(js|css|html)$/;
  assertEquals(pathsWhere(({ path }) => !allowed.test(path)), []);
});

Deno.test("a module imports only from folders that its own may import from", () => {
  const upward = files.flatMap(({ path, imports }) =>
    imports.filter((name) => isLocal(name) && !mayImport(path, name))
      .map((name) => `${path} imports ${name}`)
  );
  assertEquals(upward, []);
});

Deno.test("no two modules have one name", () => {
  const names = files.map(({ path }) => path.slice(path.lastIndexOf("/") + 1));
  assertEquals(names.filter((name, n) => names.indexOf(name) !== n), []);
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

Deno.test("only the process, main.ts and the store's file know the runtime", () => {
  const allowed = /^(main\.ts|src\/(server|cli|broker\/sqlite)\/)/;
  assertEquals(pathsWhere(({ path, code }) => /\bDeno\b/.test(code) && !allowed.test(path)), []);
});

Deno.test("only the logger writes to the console", () => {
  // The demo page shows code for users to copy.
  const writes = pathsWhere(({ path, code }) => path.endsWith(".ts") && /\bconsole\b/.test(code));
  assertEquals(writes, ["src/observability/logger.ts"]);
});

Deno.test("only the clock asks the machine for the time", () => {
  const asksTime = /\b(Date\.now|performance\.now)\b|new Date\(\)/;
  assertEquals(pathsWhere(({ code }) => asksTime.test(code)), [
    "src/client/client.js",
    "src/lib/clock.ts",
  ]);
});
