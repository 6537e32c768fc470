/** The fuzzer finds what was planted, and says how to see it again. */
import { assertEquals, assertMatch, assertThrows } from "../support/assert.ts";
import { run } from "../support/child_process.ts";
import { PROJECT_ROOT } from "../support/server_command.ts";
import { readCommandLine } from "./command_line.ts";

Deno.test("a server that keeps less than it says is found, with the way to see it again", async () => {
  const options = ["--seed", "1", "--on", "memory", "--only", "events", "--requests", "500"];
  const { code, stdout } = await run(Deno.execPath(), [
    "run",
    "-A",
    "tests/fuzz/main.ts",
    ...options,
  ], {
    cwd: PROJECT_ROOT,
    env: {
      ...Deno.env.toObject(),
      SSE_TEST_COMMAND: `${Deno.execPath()} run -A tests/fuzz/faulty_server.ts`,
    },
    deadlineMs: 120_000,
  });
  assertEquals(code, 1, stdout);
  assertMatch(
    stdout,
    /^FOUND: a (?:replay|stream) of .*\n\nwhat was sent, a character a byte:\n"POST /m,
  );
  assertMatch(
    stdout,
    /^to repeat the round: deno task fuzz -- --seed \d+ --on memory --only events/m,
  );
});

Deno.test("the fuzzer's options are read, and a wrong one is named", () => {
  const known = { subjects: ["events", "bytes"], servers: ["memory"] };
  assertEquals(
    readCommandLine(["--", "--requests", "5", "--seed", "7", "--only", "bytes"], known),
    {
      seconds: Infinity,
      requests: 5,
      seed: 7,
      subjects: ["bytes"],
      servers: ["memory"],
    },
  );
  assertEquals(readCommandLine([], known).seconds, 60);
  const wrong = ["--second 5", "--seconds", "--seconds x", "--only x", "--on x", "--seed -1", "x"];
  for (const words of wrong) {
    const named = new RegExp(words.split(" ")[0] ?? "");
    assertThrows(() => readCommandLine(words.split(" "), known), named);
  }
});
