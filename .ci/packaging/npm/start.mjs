#!/usr/bin/env node
// Runs the server with the Deno that this package depends on, passes signals on, and ends as the server does.
import { spawn } from "node:child_process";
import { createRequire } from "node:module";
import { constants } from "node:os";
import process from "node:process";
import { fileURLToPath } from "node:url";

// Not the command `deno` of that package: it is another process in between, which passes no signal on.
const deno = createRequire(import.meta.url)("deno/install_api.cjs").runInstall();

const server = spawn(deno, [
  ...[
    "run",
    "--quiet",
    "--no-prompt",
    "--no-config",
    "--no-lock",
    "--node-modules-dir=manual",
    "--unstable-net",
  ],
  ...[
    "--allow-net",
    "--allow-read",
    "--allow-write",
    "--allow-env=SSE_*,NOTIFY_SOCKET,WATCHDOG_USEC,WATCHDOG_PID",
  ],
  fileURLToPath(new URL("./main.js", import.meta.url)),
  ...process.argv.slice(2),
], { stdio: "inherit" });

for (const signal of ["SIGTERM", "SIGINT", "SIGHUP"]) process.on(signal, () => server.kill(signal));

server.on("error", (error) => {
  process.stderr.write(`sse-server: Cannot start Deno: ${error.message}\n`);
  process.exit(1);
});
server.on("exit", (status, signal) => process.exit(status ?? 128 + constants.signals[signal]));
