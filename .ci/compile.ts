/**
 * `deno task compile`: makes dist/sse-server. Where Deno's base executable cannot be downloaded, it says
 * in one sentence what to do; `deno compile` itself prints a backtrace.
 */
const COMPILE = [
  "compile",
  // The executable is then quiet, too: the runtime adds no lines to the log that clients can cause.
  "--quiet",
  // Otherwise the packages of the tests are embedded too, and overflow the compiler's stack.
  "--exclude-unused-npm",
  // Modules that are loaded under a name which the compiler does not see.
  "--include=src/broker/redis/redis_broker.ts",
  "--include=src/server/worker.ts",
  ...["--no-prompt", "--allow-net", "--allow-read", "--allow-write"],
  "--allow-env=SSE_*,NOTIFY_SOCKET,WATCHDOG_USEC,WATCHDOG_PID",
  ...["--output", "dist/sse-server"],
  "main.ts",
];

/** How `deno compile` reports that it has no base, and where it looked for it. */
const NO_BASE = "Setting up base binary";
const BASE_URL = /https:\/\/dl\.deno\.land\/[^\s)]+/;

const compiler = new Deno.Command(Deno.execPath(), {
  args: COMPILE,
  stderr: "piped",
}).spawn();

/** An error's lines, which wait until their cause is known. */
const failure: string[] = [];
let unfinished = "";
for await (const text of compiler.stderr.pipeThrough(new TextDecoderStream())) {
  const lines = (unfinished + text).split("\n");
  unfinished = lines.pop() ?? "";
  for (const line of lines) {
    if (failure.length > 0 || /^\S*error/.test(line)) failure.push(line);
    else print(line);
  }
}
failure.push(unfinished);
const { code } = await compiler.status;
const text = failure.join("\n");
if (!text.includes(NO_BASE)) print(text);
else {
  print(
    `Cannot compile: Deno's base executable could not be downloaded. Fetch ${
      BASE_URL.exec(text)?.[0] ?? "it from https://dl.deno.land"
    } on a machine that reaches it, unpack it here, and set DENORT_BIN to the unpacked file; or run the ` +
      "source, as docs/running.md says.",
  );
}
Deno.exit(code);

function print(line: string): void {
  if (line !== "") Deno.stderr.writeSync(new TextEncoder().encode(`${line}\n`));
}
