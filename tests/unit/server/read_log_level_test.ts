import { readConfig } from "../../../src/config/config.ts";
import { StartError } from "../../../src/lib/errors.ts";
import { readLogLevel } from "../../../src/server/read_log_level.ts";
import { assert, assertEquals, assertThrows } from "../../support/assert.ts";
import { TempDir } from "../../support/temp_dir.ts";

function levelOf(flags: Readonly<Record<string, string>>) {
  const given = Object.entries(flags).map(([name, value]) => [name, [value]]);
  return readLogLevel(readConfig(Object.fromEntries(given), () => undefined));
}

Deno.test("the log level is that of the flag, of the file, or info", async () => {
  await using folder = await TempDir.make();
  assertEquals(levelOf({}), "info");
  assertEquals(levelOf({ "log-level": "warn" }), "warn");
  for (const content of ["debug", "debug\n", " debug\r\n\n"]) {
    assertEquals(levelOf({ "log-level-file": await folder.write("level", content) }), "debug");
  }
});

Deno.test("a file without a level is named, and what it holds is not told", async () => {
  await using folder = await TempDir.make();
  const read = (file: string) => () => levelOf({ "log-level-file": file });
  for (const content of ["", "hunter2", "debug info", "INFO", "toString"]) {
    const wrong = await folder.write("wrong", content);
    assertThrows(
      read(wrong),
      /^Cannot use the log level file \S*wrong: it must hold debug, info, warn or error\.$/,
    );
  }
  try {
    read(folder.join("missing"))();
  } catch (error) {
    assert(error instanceof StartError);
  }
});
