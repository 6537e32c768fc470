/**
 * Run before the tests: installs the programs that tests need and this machine lacks, where it may
 * (root, apt-get). Elsewhere it says what to install, and those tests are ignored; with `CI=true` that is
 * a failure.
 *
 * @module
 */
import { installOldestRedis, oldestRedis } from "./oldest_redis.ts";
import { installSchemathesis, schemathesis } from "./schemathesis.ts";
import {
  findProgram,
  missingTools,
  packagesOf,
  runsInCi,
  say,
  type ToolName,
  TOOLS,
} from "./tools.ts";

const POLICY = "/usr/sbin/policy-rc.d";

/** Runs a program with its output on this one's standard error, and says whether it succeeded. */
async function succeeds(
  program: string,
  args: readonly string[],
): Promise<boolean> {
  const child = new Deno.Command(program, {
    args: [...args],
    env: { DEBIAN_FRONTEND: "noninteractive" },
    stdin: "null",
    stdout: "piped",
    stderr: "inherit",
  }).spawn();
  for await (const chunk of child.stdout) await Deno.stderr.write(chunk);
  return (await child.status).success;
}

/**
 * Forbids packages to start services while they are installed: a web server on port 80 is nothing that a
 * test run should leave behind. Returns what undoes it. A policy that is there already is left as it is.
 */
async function forbidServiceStarts(): Promise<() => Promise<void>> {
  try {
    await Deno.writeTextFile(POLICY, "#!/bin/sh\nexit 101\n", {
      createNew: true,
      mode: 0o755,
    });
  } catch (error) {
    if (error instanceof Deno.errors.AlreadyExists) return async () => {};
    throw error;
  }
  return () => Deno.remove(POLICY);
}

async function installWithApt(
  apt: string,
  names: readonly ToolName[],
): Promise<boolean> {
  const packages = packagesOf(names);
  say(`installing ${packages.join(" ")}`);
  const undo = await forbidServiceStarts();
  try {
    if (!await succeeds(apt, ["update", "-q"])) return false;
    const options = ["install", "-q", "-y", "--no-install-recommends"];
    if (!await succeeds(apt, [...options, ...packages])) return false;
  } finally {
    await undo();
  }
  const services = names.flatMap((name) => [...TOOLS[name].services]);
  const systemctl = findProgram("systemctl");
  // The policy stops a service from starting now; this, from starting with the machine.
  if (systemctl !== undefined && services.length > 0) {
    await succeeds(systemctl, ["disable", "--quiet", ...services]);
  }
  return true;
}

/** Returns the exit status: 0 if the tests can run, 1 if they cannot as they should. */
async function main(): Promise<number> {
  const missing = missingTools();
  const apt = findProgram("apt-get");
  if (missing.length > 0 && apt !== undefined && Deno.uid() === 0) {
    await installWithApt(apt, missing);
  }
  if (oldestRedis() === undefined) await installOldestRedis();
  if (schemathesis() === undefined) await installSchemathesis();
  const advice: string[] = [];
  const stillMissing = missingTools();
  if (stillMissing.length > 0) {
    const packages = packagesOf(stillMissing).join(" ");
    advice.push(`missing: ${stillMissing.join(", ")}; install ${packages}`);
    if (!runsInCi()) advice.push("the tests that need them are ignored until then");
  }
  if (oldestRedis() === undefined) {
    advice.push(
      "missing: Redis 6.2, which pip brings to x86-64 Linux; the machine's own is tested",
    );
  }
  if (schemathesis() === undefined) {
    advice.push("missing: schemathesis, which pip installs where Python has venv and PyPI answers");
  }
  for (const line of advice) say(runsInCi() ? `${line}: CI needs them all` : line);
  return runsInCi() && advice.length > 0 ? 1 : 0;
}

if (import.meta.main) Deno.exit(await main());
