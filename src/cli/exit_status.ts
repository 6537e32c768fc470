import { UsageError } from "../lib/errors.ts";

/** The command is done; a server was told to stop, and has stopped. */
export const EXIT_DONE = 0;

/** The command failed: a port is in use, a file cannot be read. */
export const EXIT_FAILED = 1;

/** A flag, or an environment variable, is missing or wrong. */
export const EXIT_USAGE = 2;

/** The exit status for an error. */
export function exitStatus(error: unknown): number {
  return error instanceof UsageError ? EXIT_USAGE : EXIT_FAILED;
}
