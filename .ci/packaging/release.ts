/**
 * `deno task release`: makes dist/release/ for this machine's system and processor: the executable, on Linux the
 * Debian package, the packages for npm and the SBOM, and the sums of all. Where Deno's base executable cannot be
 * downloaded, it leaves the first two out and says so; with `CI=true` that is a failure.
 *
 * @module
 */
import manifest from "../../deno.json" with { type: "json" };
import { makeDebianPackage } from "./debian_package.ts";
import { PROJECT_ROOT, runOrThrow } from "./files.ts";
import { makeNpmPackage } from "./npm_package.ts";
import { makeSbom } from "./sbom.ts";
import { writeSums } from "./sums.ts";

const DIST = `${PROJECT_ROOT}dist`;
const OUT = `${DIST}/release`;

/** Returns the exit status. */
async function main(): Promise<number> {
  await Deno.mkdir(OUT, { recursive: true });
  for await (const { name } of Deno.readDir(OUT)) await Deno.remove(`${OUT}/${name}`);
  const isLinux = Deno.build.os === "linux";
  const isCompiled = await compile();
  if (isCompiled) await addExecutable(isLinux);
  if (isLinux) await addPackages();
  await writeSums(OUT);
  if (isCompiled) return 0;
  say("NOT MADE: the executable and the Debian package, which has it in it");
  return Deno.env.get("CI") === "true" ? 1 : 0;
}

async function compile(): Promise<boolean> {
  try {
    await runOrThrow(Deno.execPath(), ["task", "compile"]);
    return true;
  } catch (error) {
    say(String(error));
    return false;
  }
}

async function addExecutable(isLinux: boolean): Promise<void> {
  const suffix = Deno.build.os === "windows" ? ".exe" : "";
  const executable = `${DIST}/sse-server${suffix}`;
  const { version } = manifest;
  await Deno.copyFile(executable, `${OUT}/sse-server-${version}-${Deno.build.target}${suffix}`);
  if (isLinux) await makeDebianPackage({ executable, version, out: OUT });
}

async function addPackages(): Promise<void> {
  await makeNpmPackage(`${DIST}/npm`);
  for (const folder of [`${DIST}/npm`, `${PROJECT_ROOT}src/client`]) {
    await runOrThrow("npm", ["pack", folder, "--silent", "--pack-destination", OUT]);
  }
  const lock = JSON.parse(await Deno.readTextFile(`${PROJECT_ROOT}deno.lock`));
  const sbom = JSON.stringify(makeSbom(lock), undefined, 2) + "\n";
  await Deno.writeTextFile(`${OUT}/sse-server-${manifest.version}.cdx.json`, sbom);
}

function say(line: string): void {
  Deno.stderr.writeSync(new TextEncoder().encode(`${line}\n`));
}

if (import.meta.main) Deno.exit(await main());
