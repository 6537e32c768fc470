/** The executable that `deno task compile` makes. Its base comes from a download that not every machine reaches. */
import { assertEquals, assertMatch, assertNotMatch } from "../support/assert.ts";
import { run, type RunResult } from "../support/child_process.ts";
import { type CompiledFile, readCompiledFile } from "../support/compiled_file.ts";
import { startServer } from "../support/server.ts";
import { PROJECT_ROOT } from "../support/server_command.ts";
import { openStream } from "../support/sse_client.ts";
import { TempDir } from "../support/temp_dir.ts";
import { say } from "../support/tools.ts";

/** Everything that the server may do. `[]` is everything of its kind. */
const GRANTED = {
  allow_env: ["SSE_*", "NOTIFY_SOCKET", "WATCHDOG_USEC", "WATCHDOG_PID"],
  allow_net: [],
  allow_read: [],
  allow_write: [],
};

/** What may stand at the top of the embedded files: the server, its settings, its packages. */
const EMBEDDED_TOP = [".deno_compile_node_modules", "deno.json", "main.ts", "src"];

const DEADLINE_MS = 240_000;

Deno.test("deno task compile makes one executable of the server, with only the permissions it needs", async (test) => {
  await using folder = await TempDir.make();
  await copyProject(folder.path);
  const outcome = await compile(folder.path);
  assertEquals(outcome.result.code, 0, outcome.result.stderr);
  const executable = folder.join("dist/sse-server");
  const compiled = await readCompiledFile(executable);

  await test.step("it holds main.ts, every folder of src/ with its scripts and its page, jose and @redis/client", async () => {
    // Files that hold nothing but types are left out.
    const scripts = [
      "src/broker/redis/lua/publish.lua",
      "src/client/client.js",
      "src/server/worker.ts",
    ];
    const pages = ["demo_page.html", "openapi.json"].map((name) => `src/http/handlers/${name}`);
    const texts = [...scripts, ...pages];
    const expected = ["main.ts", "/jose/", "/@redis/client/", ...texts];
    for await (const { name } of Deno.readDir(`${folder.path}/src`)) expected.push(`src/${name}/`);
    const isHeld = (part: string) => compiled.files.some((path) => path.includes(part));
    assertEquals(expected.filter((part) => !isHeld(part)), []);
  });

  await test.step("it holds nothing of the tests", () => {
    const others = compiled.files.filter((path) =>
      !EMBEDDED_TOP.includes(path.split("/")[0] ?? "")
    );
    assertEquals(others, []);
    const testOnly = /\/(playwright|fast-check|eventsource|event-source|@microsoft|yaml)/;
    assertEquals(compiled.files.filter((path) => testOnly.test(path)), []);
  });

  await test.step("its permissions are those that the server needs", () => {
    assertEquals(grantedBy(compiled), GRANTED);
  });

  await test.step("the runtime adds no warnings of its own to the log", () => {
    assertEquals(compiled.runtimeLogLevel, "ERROR");
  });

  if (outcome.hasRealBase) {
    await test.step("it starts, gives tokens, passes events on and ends", () =>
      smokeTest(executable));
    return;
  }
  const notRun =
    "NOT RUN: the executable was not started, as its base (denort) could not be downloaded";
  say(notRun);
  await test.step(notRun, () => {});
});

/** Compiles in a copy, so that a `dist/` of the developer's own stays as it is. */
async function copyProject(target: string): Promise<void> {
  for (const name of ["deno.json", "deno.lock", "main.ts"]) {
    await Deno.copyFile(PROJECT_ROOT + name, `${target}/${name}`);
  }
  for (const name of [".ci", "src", "tests"]) {
    await copyFolder(PROJECT_ROOT + name, `${target}/${name}`);
  }
}

async function copyFolder(source: string, target: string): Promise<void> {
  await Deno.mkdir(target);
  for await (const { name, isDirectory } of Deno.readDir(source)) {
    if (isDirectory) await copyFolder(`${source}/${name}`, `${target}/${name}`);
    else await Deno.copyFile(`${source}/${name}`, `${target}/${name}`);
  }
}

interface Outcome {
  readonly result: RunResult;
  /** Whether the executable stands on the base that it is to run on, rather than on a stand-in. */
  readonly hasRealBase: boolean;
}

/** Runs the task; where its download fails, once more with Deno itself in the place of the base. */
async function compile(folder: string): Promise<Outcome> {
  const env = Deno.env.toObject();
  const task = (variables: Record<string, string>) =>
    run(Deno.execPath(), ["task", "compile"], {
      cwd: folder,
      env: variables,
      deadlineMs: DEADLINE_MS,
    });
  const result = await task(env);
  const downloadFailed = result.code !== 0 && result.stderr.includes("could not be downloaded");
  if (!downloadFailed) return { result, hasRealBase: true };
  assertMatch(result.stderr, /^Cannot compile: .* Fetch https:\S+ .*DENORT_BIN.*\.$/m);
  assertNotMatch(result.stderr, /backtrace/i);
  return { result: await task({ ...env, DENORT_BIN: Deno.execPath() }), hasRealBase: false };
}

function grantedBy({ permissions }: CompiledFile): Record<string, unknown> {
  // Where modules may be imported from does not matter to a program that imports none at run time.
  return Object.fromEntries(
    Object.entries(permissions).filter(([name, value]) =>
      name.startsWith("allow_") && name !== "allow_import" && value !== null && value !== false
    ),
  );
}

async function smokeTest(executable: string): Promise<void> {
  await using server = await startServer(["-dev"], { command: [executable] });
  const token = await server.token({ userId: "alex", channel: "chat" });
  await using stream = await openStream(server.eventsUrl, { token });
  await server.emit({ userId: "alex", channel: "chat", data: "hello" });
  assertEquals((await stream.next()).data, "hello");
  const client = await fetch(`${server.clientOrigin}/client.js`);
  assertEquals(await client.text(), await Deno.readTextFile(`${PROJECT_ROOT}src/client/client.js`));
  const page = await fetch(server.clientOrigin);
  assertEquals((await page.text()).slice(0, 15), "<!doctype html>");
  assertEquals(await server.stop("SIGTERM"), 0);
}
