/** The fuzzer finds what was planted, says how to see it again, and takes no wrong options. */
import { run } from "../support/child_process.ts";
import { assertEquals, assertMatch } from "../support/assert.ts";
import { PROJECT_ROOT } from "../support/server_command.ts";

function fuzz(args: readonly string[], env: Readonly<Record<string, string>> = {}) {
  const deno = Deno.execPath();
  return run(deno, ["run", "-A", "tests/fuzz/main.ts", "--seed", "1", ...args], {
    cwd: PROJECT_ROOT,
    env: { ...Deno.env.toObject(), ...env },
    deadlineMs: 120_000,
  });
}

Deno.test("a server that keeps less than it says is found, with the way to see it again", async () => {
  const { code, stdout } = await fuzz(["--on", "memory", "--only", "events", "--requests", "500"], {
    SSE_TEST_COMMAND: `${Deno.execPath()} run -A tests/fuzz/faulty_server.ts`,
  });
  assertEquals(code, 1, stdout);
  assertMatch(stdout, /^FOUND: a replay of /m);
  assertMatch(
    stdout,
    /^to repeat the round: deno task fuzz -- --seed \d+ --on memory --only events/m,
  );
});

Deno.test("a wrong option of the fuzzer is named", async () => {
  const wrong = ["--second 5", "--seconds", "--seconds x", "--only x", "--on x", "--seed -1", "x"];
  for (const words of wrong) {
    const { code, stdout } = await fuzz(words.split(" "));
    assertEquals([code, stdout.includes(words.split(" ")[0] ?? "")], [2, true], stdout);
  }
});
