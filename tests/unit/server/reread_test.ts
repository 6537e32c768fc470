import { type Rereadable, rereadAll } from "../../../src/server/reread.ts";
import { createLogger, type Logger } from "../../../src/observability/logger.ts";
import { assertEquals } from "../../support/assert.ts";

function linesOf(...parts: readonly ((logger: Logger) => Rereadable)[]): readonly string[] {
  const lines: string[] = [];
  const logger = createLogger("debug", () => 0, (line) => lines.push(line));
  rereadAll(parts.map((make) => make(logger)), logger);
  return lines.map((line) => line.slice(line.indexOf(" ") + 1));
}

/** A part whose files are read so. */
function part(name: string, read: () => number): (logger: Logger) => Rereadable {
  return (logger) => ({
    reread: () => logger.info(`${name} reread`, { keys: read() }),
    failed: (fields) => logger.error(`${name} not reread`, fields),
  });
}

Deno.test("each part is read and logged, and one that is wrong keeps no other from it", () => {
  const lines = linesOf(
    part("control keys", () => 3),
    part("locks", () => {
      throw new Error("Cannot read the locks: none.");
    }),
    part("token keys", () => 2),
  );
  assertEquals(lines, [
    "info control keys reread keys=3",
    'error locks not reread error="Cannot read the locks: none."',
    "info token keys reread keys=2",
  ]);
});

Deno.test("that there is nothing to read is logged too, so that whoever asked knows", () => {
  assertEquals(linesOf(), ["info nothing to reread, no secret and no key is in a file"]);
});
