/**
 * Brings the peers and the C compiler to this machine, where it may: Debian's packages as root, and one
 * package of npm in the benchmark's own folder.
 *
 * @module
 */
import { findProgram } from "../support/tools.ts";
import { textOf } from "./ask.ts";
import { betterSseFolder } from "./folders.ts";
import { BETTER_SSE_VERSION, betterSse } from "./peers/better_sse.ts";
import { nchan } from "./peers/nchan.ts";
import { serversOnRedis } from "./peers/on_redis.ts";
import { pushpin } from "./peers/pushpin.ts";
import { say } from "./say.ts";

const POLICY = "/usr/sbin/policy-rc.d";

/** Installs a C compiler, where there is none. */
export async function installCompiler(): Promise<void> {
  if (findProgram("cc", "gcc", "clang") === undefined) await installPackages("gcc", "libc6-dev");
}

/** Installs the peers that are missing; what cannot be installed is absent later, and says why. */
export async function installPeers(): Promise<void> {
  const packages: string[] = [];
  if (await nchan.absence() !== undefined) packages.push("nginx", "libnginx-mod-nchan");
  if (await pushpin.absence() !== undefined) packages.push("pushpin", "condure");
  if (await serversOnRedis(1).absence() !== undefined) packages.push("redis-server");
  if (findProgram("node") === undefined) packages.push("nodejs", "npm");
  if (packages.length > 0) await installPackages(...packages);
  const npm = findProgram("npm");
  if (npm === undefined || await betterSse.absence() === undefined) return;
  say(`installing better-sse ${BETTER_SSE_VERSION}`);
  const options = ["--no-audit", "--no-fund", "--ignore-scripts", "--prefix", betterSseFolder()];
  await Deno.mkdir(betterSseFolder(), { recursive: true });
  await textOf(npm, ["install", ...options, `better-sse@${BETTER_SSE_VERSION}`]);
}

async function installPackages(...packages: readonly string[]): Promise<void> {
  const apt = findProgram("apt-get");
  if (apt === undefined || Deno.uid() !== 0) return;
  say(`installing ${packages.join(" ")}`);
  const allowStarts = await forbidServiceStarts();
  try {
    await textOf(apt, ["update", "-q"]);
    // One by one, as one that is nowhere to be had must not take the others with it.
    for (const name of packages) {
      await textOf(apt, ["install", "-q", "-y", "--no-install-recommends", name]);
    }
  } finally {
    await allowStarts();
  }
}

/** Keeps packages from starting their services: nothing that a benchmark should leave behind, or run next to. */
async function forbidServiceStarts(): Promise<() => Promise<void>> {
  try {
    await Deno.writeTextFile(POLICY, "#!/bin/sh\nexit 101\n", { createNew: true, mode: 0o755 });
  } catch {
    return () => Promise.resolve(); // The machine has a policy of its own.
  }
  return () => Deno.remove(POLICY);
}
