/** The log as an operator sees it: its level changes at SIGHUP in every thread, and JSON is JSON to the end. */
import { assert, assertEquals, assertMatch } from "../support/assert.ts";
import { healthOf } from "../support/health.ts";
import { assertOnlyLogLines } from "../support/log_lines.ts";
import { type Server, startServer } from "../support/server.ts";
import { PROJECT_ROOT } from "../support/server_command.ts";
import { openStream } from "../support/sse_client.ts";
import { TempDir } from "../support/temp_dir.ts";
import { waitFor } from "../support/wait.ts";

/** More streams than one worker gets, but for one time in millions. */
const STREAMS = 16;

/** Opens streams, emits, and leaves again: for which there are lines at level debug alone. */
async function causeDebugLines(server: Server): Promise<void> {
  const token = await server.token({ userId: "alex", channel: "chat" });
  const streams = await Promise.all(
    Array.from({ length: STREAMS }, () => openStream(server.eventsUrl, { token })),
  );
  await server.emit({ userId: "alex", channel: "chat", data: "1" });
  await Promise.all(streams.map((stream) => stream[Symbol.asyncDispose]()));
  await waitFor("the streams to end", async () => (await healthOf(server)).subscribers === 0);
}

/** Sends SIGHUP, and waits until the log tells of the level, and every worker has it. */
async function changeLevel(server: Server, said: RegExp): Promise<void> {
  server.signal("SIGHUP");
  await server.log.waitFor(said);
  // Each worker answers in order.
  await healthOf(server);
}

/** The workers that streams were opened in, by what the names of their streams begin with. */
function workersIn(lines: readonly string[]): number {
  const opened = lines.filter((line) => line.includes("stream opened"));
  return new Set(opened.map((line) => line.match(/\bstream\W+([0-9a-f]+)-/)?.[1])).size;
}

const FORMATS = {
  text: {
    changed: (was: string, now: string) => new RegExp(` log level reread was=${was} now=${now}$`),
    level: (line: string) => line.split(" ")[1],
  },
  json: {
    changed: (was: string, now: string) =>
      new RegExp(`"message":"log level reread","was":"${was}","now":"${now}"}$`),
    level: (line: string) => JSON.parse(line).level,
  },
};

for (const [format, { changed, level }] of Object.entries(FORMATS)) {
  for (const workers of [1, 3]) {
    Deno.test(`SIGHUP changes the log level of ${workers} worker(s), and back (${format})`, async () => {
      await using folder = await TempDir.make();
      const file = await folder.write("level", "info\n");
      const flags = ["-log-level-file", file, "-log-format", format, "-workers", `${workers}`];
      await using server = await startServer(flags);
      await causeDebugLines(server);
      assertEquals(server.log.lines.filter((line) => level(line) === "debug"), []);

      await folder.write("level", "debug");
      await changeLevel(server, changed("info", "debug"));
      await causeDebugLines(server);
      assertEquals(workersIn(server.log.lines), workers);
      // The main thread's, limited and not.
      await server.log.waitFor(/\bemitted\b/);
      await server.log.waitFor(/\bcontrol request\b/);

      await folder.write("level", "warn");
      await changeLevel(server, changed("debug", "warn"));
      const before = server.log.lines.length;
      await causeDebugLines(server);
      assertEquals(await server.stop(), 0);
      assertEquals(server.log.lines.slice(before), []);
      assertOnlyLogLines(server, format as "text" | "json");
    });
  }
}

Deno.test("a wrong log level changes nothing but is logged; so is a missing file", async () => {
  await using folder = await TempDir.make();
  const file = await folder.write("level", "debug");
  await using server = await startServer(["-log-level-file", file, "-log-format", "json"]);
  await folder.write("level", "loud");
  server.signal("SIGHUP");
  await server.log.waitFor(
    /"error","message":"log level not reread, the old one stays","error":"Cannot use the log level file \S+: it must hold debug, info, warn or error\."}$/,
  );
  await Deno.remove(file);
  server.signal("SIGHUP");
  await server.log.waitFor(
    /the old one stays","error":"Cannot read .*: there is no such file\."}$/,
  );
  await causeDebugLines(server);
  await server.log.waitFor(/"level":"debug","message":"stream opened"/);
  assertOnlyLogLines(server, "json");
});

Deno.test("a worker that is started later has the level of the last SIGHUP", async () => {
  await using folder = await TempDir.make();
  const file = await folder.write("level", "info");
  await using server = await startServer(["-log-level-file", file, "-workers", "3"], {
    command: [Deno.execPath(), "run", "-A", `${PROJECT_ROOT}tests/support/mortal_server.ts`],
    env: { MORTAL_WORKER: "exit" },
  });
  await folder.write("level", "debug");
  await changeLevel(server, / log level reread was=info now=debug$/);
  Deno.kill(server.pid, "SIGUSR2");
  await server.log.waitFor(/ info worker started again worker=0$/);
  await causeDebugLines(server);
  assertEquals(workersIn(server.log.lines), 3);
});

Deno.test("with -log-format json, each line is JSON from the start to the end, whatever users are called", async () => {
  const flags = ["-log-format", "json", "-log-level", "debug", "-cors", "https://a.example"];
  await using server = await startServer(flags);
  const user = 'al"ex\u2028\u001b[2K';
  const channels = Array.from({ length: 7 }, (_, n) => `c${n}`);
  const token = await server.token({ userId: user, channel: channels });
  const stream = await openStream(server.eventsUrl, { token });
  await stream[Symbol.asyncDispose]();
  await fetch(server.eventsUrl, { headers: { Origin: "https://b.example" } }).then((it) =>
    it.text()
  );
  const refused = await Promise.all(
    Array.from({ length: 60 }, async () => {
      const answer = await server.control("/emit/", {
        method: "POST",
        body: new URLSearchParams(),
      });
      await answer.body?.cancel();
      return answer.status;
    }),
  );
  assertEquals(new Set(refused), new Set([400]));
  await server.log.waitFor(/"stream ended"/);
  assertEquals(await server.stop(), 0);
  assertOnlyLogLines(server, "json");
  const lines = server.log.lines.map((line) => JSON.parse(line));
  const opened = lines.find(({ message }) => message === "stream opened");
  assertEquals([opened.user, opened.channel, opened.channelLeftOut], [
    user,
    channels.slice(0, 5),
    2,
  ]);
  const leftOut = lines.find(({ message }) => message === "lines left out");
  assertEquals([leftOut.level, leftOut.fieldMessage], ["debug", "control request refused"]);
  assert(leftOut.count > 0);
  assertEquals(lines.at(-1).message, "stopped");
  assertMatch(server.log.text, /"warn","message":"a page of another origin cannot connect"/);
});

Deno.test("with -dev, what it prints is on standard output, and the log is JSON", async () => {
  await using server = await startServer(["-dev", "-log-format", "json"]);
  await waitFor("the banner", () => server.stdout.text.includes("Emit from another:"));
  assert(!server.stdout.text.includes('"message"'), server.stdout.text);
  assertOnlyLogLines(server, "json");
});

Deno.test("SIGUSR1, at which the runtime opens its debugger, is logged as an error", async () => {
  await using server = await startServer([]);
  server.signal("SIGUSR1");
  await server.log.waitFor(/ error debugger opened, .* signal=SIGUSR1 /);
  assertEquals(await server.stop(), 0);
});
