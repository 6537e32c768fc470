import { rereadAll } from "../../../src/server/reread.ts";
import { createLogger } from "../../../src/observability/logger.ts";
import { assertEquals } from "../../support/assert.ts";

async function linesOf(...parts: Parameters<typeof rereadAll>[0]): Promise<readonly string[]> {
  const lines: string[] = [];
  await rereadAll(parts, createLogger("debug", () => 0, (line) => lines.push(line)));
  return lines.map((line) => line.slice(line.indexOf(" ") + 1));
}

Deno.test("each part is read and logged, and one that is wrong keeps no other from it", async () => {
  const lines = await linesOf(
    { name: "control keys", reread: () => 3 },
    {
      name: "locks",
      reread: () => {
        throw new Error("Cannot read the locks: none.");
      },
    },
    { name: "more locks", reread: () => Promise.reject(new Error("Cannot wait.")) },
    { name: "token keys", reread: () => Promise.resolve(2) },
  );
  assertEquals(lines, [
    "info control keys reread keys=3",
    'error locks not reread, the old ones stay error="Cannot read the locks: none."',
    'error more locks not reread, the old ones stay error="Cannot wait."',
    "info token keys reread keys=2",
  ]);
});

Deno.test("that there is nothing to read is logged too, so that whoever asked knows", async () => {
  assertEquals(await linesOf(), ["info nothing to reread, no secret and no key is in a file"]);
});
