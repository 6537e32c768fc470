/**
 * Runs every test, in two processes side by side: most tests wait for something most of the time. No two test files
 * need the same port, folder or service. The output of the second process comes once the first has ended.
 *
 * @module
 */
const TEST = ["test", "-A", "--sanitize-ops", "--sanitize-resources"];

/** About half of the time; the other process runs the rest. */
const HALF = ["tests/faults", "tests/integration"];

/** Returns the exit status: 0 if every test has passed. */
async function main(): Promise<number> {
  const first = start([...HALF], "inherit");
  const second = start(["tests/", `--ignore=${HALF.join(",")}`], "piped");
  const output = second.output();
  const { success } = await first.status;
  const rest = await output;
  await print(rest.stdout, Deno.stdout);
  await print(rest.stderr, Deno.stderr);
  return success && rest.success ? 0 : 1;
}

function start(args: readonly string[], output: "inherit" | "piped"): Deno.ChildProcess {
  return new Deno.Command(Deno.execPath(), {
    args: [...TEST, ...args],
    stdin: "null",
    stdout: output,
    stderr: output,
  }).spawn();
}

async function print(
  bytes: Uint8Array<ArrayBuffer>,
  to: { readonly writable: WritableStream<Uint8Array<ArrayBufferLike>> },
): Promise<void> {
  await ReadableStream.from([bytes]).pipeTo(to.writable, { preventClose: true });
}

if (import.meta.main) Deno.exit(await main());
