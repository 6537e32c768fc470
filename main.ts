import manifest from "./deno.json" with { type: "json" };
import { exitStatus } from "./src/cli/exit_status.ts";
import { run } from "./src/cli/run.ts";

const encoder = new TextEncoder();
const printTo = (out: { writeSync(bytes: Uint8Array): number }) => (text: string) => {
  out.writeSync(encoder.encode(text + "\n"));
};

try {
  const status = await run(Deno.args, manifest.version, printTo(Deno.stdout));
  // A reader that has stopped reading would keep the process alive after the drain time.
  Deno.exit(status);
} catch (error) {
  const message = error instanceof Error ? error.message : String(error);
  printTo(Deno.stderr)(`sse-server: ${message}`);
  Deno.exit(exitStatus(error));
}
