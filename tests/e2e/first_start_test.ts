/** What the first start on a machine downloads: nothing that this start does not use. */
import { assert, assertEquals, assertMatch } from "../support/assert.ts";
import { run } from "../support/child_process.ts";
import { PROJECT_ROOT } from "../support/server_command.ts";
import { TempDir } from "../support/temp_dir.ts";

const NEEDED = "registry.npmjs.org/jose";

Deno.test("a start needs no package but jose; only a store in Redis needs its client", async () => {
  await using cache = await TempDir.make();
  await copyFolder(`${await npmCache()}/${NEEDED}`, cache.join(`npm/${NEEDED}`));
  const env = { ...Deno.env.toObject(), DENO_DIR: cache.path };
  const start = (...flags: string[]) => {
    const command = ["run", "--cached-only", "-A", "main.ts", ...flags];
    return run(Deno.execPath(), command, { cwd: PROJECT_ROOT, env });
  };
  const { code, stderr } = await start("-version");
  assertEquals(code, 0, stderr);
  const refused = await start("-store", "redis://127.0.0.1:1", "-secret", "s");
  assertEquals(refused.code, 1);
  assertMatch(refused.stderr, /^sse-server: .*@redis\/client/m);
});

async function npmCache(): Promise<string> {
  const { stdout } = await run(Deno.execPath(), ["info", "--json"], { cwd: PROJECT_ROOT });
  const path: unknown = JSON.parse(stdout).npmCache;
  assert(typeof path === "string", stdout);
  return path;
}

async function copyFolder(source: string, target: string): Promise<void> {
  await Deno.mkdir(target, { recursive: true });
  for await (const { name, isDirectory } of Deno.readDir(source)) {
    if (isDirectory) await copyFolder(`${source}/${name}`, `${target}/${name}`);
    else await Deno.copyFile(`${source}/${name}`, `${target}/${name}`);
  }
}
