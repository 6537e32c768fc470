/**
 * The packages that the clients need, pinned, in a cache folder outside the project, so that only the first run
 * asks the registries.
 *
 * @module
 */
import { run } from "../child_process.ts";
import { toolPath } from "../tools.ts";

/** This folder. */
export const CLIENTS_FOLDER = new URL("./", import.meta.url).pathname;

const NPM_PACKAGES = [
  "@azure/core-sse@2.4.0",
  "@microsoft/fetch-event-source@2.0.1",
  "event-source-polyfill@1.0.31",
  "eventsource@4.1.0",
  "eventsource-parser@3.0.6",
  "launchdarkly-eventsource@2.2.0",
  "sse.js@2.8.0",
  "tslib@2.8.1",
  "undici@7.16.0",
];

/** In a folder of its own, because a folder has one version of a package. */
const OLD_NPM_PACKAGES = ["eventsource@2.0.2"];

const PYPI_PACKAGES = [
  "aiohttp==3.14.5",
  "aiohttp-sse-client==0.2.1",
  "httpx==0.28.1",
  "httpx-sse==0.4.3",
  "requests==2.34.2",
  "sseclient-py==1.9.0",
];

const INSTALL_DEADLINE_MS = 180_000;

/** The folder with npm's packages that browsers and Node share. */
export function npmFolder(): Promise<string> {
  return once("npm", NPM_PACKAGES, installFromNpm);
}

/** The folder with npm's packages of an older version. */
export function oldNpmFolder(): Promise<string> {
  return once("npm-old", OLD_NPM_PACKAGES, installFromNpm);
}

/** The Python that has PyPI's packages. */
export async function pythonWithPackages(): Promise<string> {
  return `${await once("pypi", PYPI_PACKAGES, installFromPypi)}/bin/python`;
}

/** The executable made from the folder `go`. */
export function goClient(): Promise<string> {
  return shared("go", async () => {
    const executable = `${await cacheFolder()}/r3labs-sse`;
    const args = ["build", "-o", executable, "."];
    await succeed(toolPath("go"), args, `${CLIENTS_FOLDER}go`);
    return executable;
  });
}

const installing = new Map<string, Promise<string>>();

function shared(name: string, make: () => Promise<string>): Promise<string> {
  const promise = installing.get(name) ?? make();
  installing.set(name, promise);
  return promise;
}

/** Installs into a folder, and marks it when it is complete, so that the next run needs not install. */
function once(
  name: string,
  packages: readonly string[],
  install: (folder: string, packages: readonly string[]) => Promise<void>,
): Promise<string> {
  return shared(name, async () => {
    const folder = `${await cacheFolder()}/${name}-${await digest(packages)}`;
    if (await isComplete(folder)) return folder;
    await install(folder, packages);
    await Deno.writeTextFile(`${folder}/complete`, "");
    return folder;
  });
}

async function installFromNpm(folder: string, packages: readonly string[]): Promise<void> {
  await Deno.mkdir(folder, { recursive: true });
  const options = ["--no-audit", "--no-fund", "--ignore-scripts", "--prefix", folder];
  await succeed(toolPath("npm"), ["install", ...options, ...packages], folder);
}

async function installFromPypi(folder: string, packages: readonly string[]): Promise<void> {
  await succeed(toolPath("venv"), ["-m", "venv", "--clear", folder]);
  await succeed(`${folder}/bin/python`, ["-m", "pip", "install", "-q", ...packages]);
}

async function succeed(program: string, args: readonly string[], cwd?: string): Promise<void> {
  const options = { deadlineMs: INSTALL_DEADLINE_MS, ...(cwd === undefined ? {} : { cwd }) };
  const { code, stdout, stderr } = await run(program, args, options);
  if (code !== 0) throw new Error(`${program} ${args.join(" ")} failed:\n${stdout}\n${stderr}`);
}

async function cacheFolder(): Promise<string> {
  const caches = Deno.env.get("XDG_CACHE_HOME") ?? `${Deno.env.get("HOME") ?? "/tmp"}/.cache`;
  const folder = `${caches}/simple-sse-clients`;
  await Deno.mkdir(folder, { recursive: true });
  return folder;
}

async function digest(packages: readonly string[]): Promise<string> {
  const bytes = new TextEncoder().encode(packages.join(" "));
  return new Uint8Array(await crypto.subtle.digest("SHA-256", bytes)).toHex().slice(0, 12);
}

async function isComplete(folder: string): Promise<boolean> {
  try {
    await Deno.stat(`${folder}/complete`);
    return true;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    throw error;
  }
}
