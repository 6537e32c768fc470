import { rereadAll } from "../../../src/server/reread.ts";
import { createLogger } from "../../../src/observability/logger.ts";
import { assertEquals } from "../../support/assert.ts";

function linesOf(...parts: Parameters<typeof rereadAll>[0]): readonly string[] {
  const lines: string[] = [];
  rereadAll(parts, createLogger("debug", () => 0, (line) => lines.push(line)));
  return lines.map((line) => line.slice(line.indexOf(" ") + 1));
}

Deno.test("each part is read and logged, and one that is wrong keeps no other from it", () => {
  const lines = linesOf(
    { name: "control keys", reread: () => ({ keys: 3 }) },
    {
      name: "locks",
      reread: () => {
        throw new Error("Cannot read the locks: none.");
      },
    },
    { name: "token keys", reread: () => ({ secrets: 2, files: 0 }) },
  );
  assertEquals(lines, [
    "info control keys reread keys=3",
    'error locks not reread, the old ones stay error="Cannot read the locks: none."',
    "info token keys reread secrets=2 files=0",
  ]);
});

Deno.test("that there is nothing to read is logged too, so that whoever asked knows", () => {
  assertEquals(linesOf(), ["info nothing to reread, no secret and no key is in a file"]);
});
