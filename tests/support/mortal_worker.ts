/**
 * A worker thread that dies, hangs, or collects its garbage when it is told to.
 *
 * @module
 */
import { workerData } from "node:worker_threads";
import type { WorkerStart } from "../../src/server/worker_messages.ts";

/** The name of the `BroadcastChannel` that says how the first worker shall end. */
export const MORTALS = "mortals";

/** The message there that has every worker collect its garbage. */
export const GARBAGE = "garbage";

/** Longer than it takes until a worker counts as hung. */
const HANG_MS = 6_000;

if (workerData !== null) {
  const { worker, port } = workerData as WorkerStart;
  const mortals = new BroadcastChannel(MORTALS);
  if (worker !== 0) mortals.onmessage = ({ data }) => data === GARBAGE && collectGarbage();
  else {
    mortals.onmessage = ({ data }) => {
      if (data === GARBAGE) return collectGarbage();
      // In a handler of the port: then the thread goes on, but takes no message any more.
      if (data === "out of memory, unnoticed") port.addEventListener("message", () => end(data));
      else setTimeout(() => end(data), 0);
    };
  }
  await import("../../src/server/worker.ts");
}

/** Collects this thread's garbage, if V8 was told to let programs do that. */
export function collectGarbage(): void {
  (globalThis as { gc?: () => void }).gc?.();
}

function end(how: string): void {
  if (how === "exit") Deno.exit(1);
  if (how === "hang") {
    const until = performance.now() + HANG_MS;
    while (performance.now() < until);
  }
  if (how.startsWith("out of memory")) {
    const hoard: unknown[] = [];
    while (true) hoard.push(new Array(10_000).fill(hoard.length));
  }
}
