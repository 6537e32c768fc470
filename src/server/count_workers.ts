import type { Logger } from "../observability/logger.ts";

/** The machine, as far as it decides how many threads serve clients. */
export interface Machine {
  readonly cores: number;
  /** As in `Deno.build.os`. */
  readonly system: string;
}

/** The number of threads to serve clients with: more than one only where they can share a port. */
export function countWorkers(
  configured: number | "auto",
  { cores, system }: Machine,
  logger: Logger,
): number {
  const count = configured === "auto" ? cores : configured;
  if (count === 1 || system === "linux") return count;
  logger.warn("this system does not spread connections over threads: running one worker");
  return 1;
}
