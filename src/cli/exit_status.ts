import { UsageError } from "../lib/errors.ts";

/** The command did what was asked of it; a server was told to stop, and has. */
export const EXIT_DONE = 0;

/** The command could not be carried out: a port is in use, a file cannot be read. */
export const EXIT_FAILED = 1;

/** The command line or the environment asks for something impossible. */
export const EXIT_USAGE = 2;

/** The exit status that an error stands for. */
export function exitStatus(error: unknown): number {
  return error instanceof UsageError ? EXIT_USAGE : EXIT_FAILED;
}
