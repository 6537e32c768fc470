/**
 * The form of the server's log.
 *
 * @module
 */
import { assertMatch } from "./assert.ts";
import type { Server } from "./server.ts";

const VALUE = String.raw`(?:[\w.:/@*+[\]-]+|"(?:[^"\\]|\\.)*")`;
const LINE = new RegExp(
  String
    .raw`^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z (debug|info|warn|error) [a-z][a-z ,:]*( \w+=${VALUE}(,${VALUE})*)*$`,
);

/**
 * Checks that every line a server wrote to stderr is one of its log, and not one of the runtime's own.
 *
 * @throws {Error} with the first line that is not.
 */
export function assertOnlyLogLines(server: Server): void {
  for (const line of server.log.lines) assertMatch(line, LINE);
}
