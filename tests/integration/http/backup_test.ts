import type { Backups } from "../../../src/http/handlers/backup.ts";
import { assert, assertEquals, assertMatch } from "../../support/assert.ts";
import { Listeners } from "../../support/listeners.ts";
import { PassingBroker } from "../../support/store/passing_broker.ts";

/** A folder that exists in the test's mind alone. */
const BACKUPS: Backups = {
  write: async (file, copy) => {
    const events = await copy(`/mind/${file}`, new AbortController().signal);
    return { bytes: 5000, events, seconds: 0.25 };
  },
};

Deno.test("a backup is answered with its name, its bytes and its events, and logged", async () => {
  const copied: string[] = [];
  using listeners = await Listeners.make({
    backups: BACKUPS,
    wrapBroker: (broker) =>
      Object.assign(new PassingBroker(broker), {
        backUp: (file: string) => Promise.resolve(copied.push(file) + 6),
      }),
  });
  for (const fields of [new URLSearchParams({ file: "a-1.db" }), JSON.stringify({ file: "b_2" })]) {
    const isJson = typeof fields === "string";
    const init = isJson ? { headers: { "Content-Type": "application/json" } } : {};
    const response = await listeners.control("/backup/", { method: "POST", body: fields, ...init });
    const file = isJson ? "b_2" : "a-1.db";
    const events = isJson ? 8 : 7;
    assertEquals([response.status, await response.json()], [200, { file, bytes: 5000, events }]);
  }
  assertEquals(copied, ["/mind/a-1.db", "/mind/b_2"]);
  const line = listeners.logLines.find((line) => line.includes("backup written")) ?? "";
  assertMatch(line, / info backup written file=a-1\.db bytes=5000 seconds=0\.25$/);
});

Deno.test("a name that is more than a plain name is refused", async () => {
  using listeners = await Listeners.make({ backups: BACKUPS });
  const names = ["../a", "a/b", "/tmp/a", "..", ".", ".hidden", "a\\b", "-rf", "a b", "a\n", "ü"];
  for (const file of [...names, "x".repeat(201)]) {
    const response = await listeners.post("/backup/", { file });
    assertEquals(response.status, 400, file);
    assertMatch(await response.text(), /^Bad field file: it must be the plain name of a file/);
  }
});

Deno.test("a field that is missing, mistyped or unknown is named", async () => {
  using listeners = await Listeners.make({ backups: BACKUPS });
  const refused: readonly (readonly [Record<string, string>, string])[] = [
    [{}, "Missing field file: the name of the new file in the folder of -backup-dir.\n"],
    [{ flie: "a" }, "Missing field file (got flie).\n"],
    [{ file: "a", dir: "/" }, "Bad field dir: a backup takes the field file alone.\n"],
  ];
  for (const [fields, message] of refused) {
    const response = await listeners.post("/backup/", fields);
    assertEquals([response.status, await response.text()], [400, message]);
  }
});

Deno.test("without -backup-dir the answer names the flag, and without a file in the store what to do", async () => {
  using without = await Listeners.make();
  const noFolder = await without.post("/backup/", { file: "a" });
  assertEquals(noFolder.status, 409);
  assertMatch(await noFolder.text(), /Start the server with -backup-dir DIR\.\n$/);
  using inMemory = await Listeners.make({ backups: BACKUPS });
  const noFile = await inMemory.post("/backup/", { file: "a" });
  assertEquals(noFile.status, 409);
  assertMatch(await noFile.text(), /the store is in memory.*Use -store sqlite:FILE\.\n$/);
  assert(!inMemory.logLines.some((line) => line.includes("backup written")));
});
