/** schemathesis finds no request that the server answers otherwise than docs/openapi.yaml says. */
import { assertEquals } from "../support/assert.ts";
import { runSchemathesis, schemathesis } from "../support/schemathesis.ts";
import { withSeed } from "../support/seeded_random.ts";
import { startServer } from "../support/server.ts";
import { TempDir } from "../support/temp_dir.ts";
import { runsInCi, say } from "../support/tools.ts";

const KEY = "the control key of schemathesis";

/** What is asked at the same time: each part takes half a minute. */
const RUNS = [
  {
    name: "examples, bounds of every field, and requests that follow from each other",
    options: ["--phases", "examples,coverage,stateful", "--max-examples", "10"],
  },
  {
    name: "random requests",
    options: ["--phases", "fuzzing", "--max-examples", "20"],
  },
  {
    name: "the client listener",
    options: ["--max-examples", "5"],
    isClientOnly: true,
  },
];

Deno.test(
  "schemathesis finds nothing on either listener, by valid requests and by wrong ones",
  { ignore: schemathesis() === undefined && !runsInCi() },
  () =>
    withSeed(async (random) => {
      await using folder = await TempDir.make();
      // With -dev for its routes, on SQLite for backups.
      const flags = ["-dev", "-control-key", KEY, "-store", `sqlite:${folder.join("events.db")}`];
      const workers = String(random.pick([1, 3]));
      await using server = await startServer(
        [...flags, "-backup-dir", folder.path, "-workers", workers],
        { controlKey: KEY },
      );
      const token = await server.token({ userId: "schemathesis", channel: ["chat", "*"] });
      const { controlOrigin, clientOrigin } = server;
      const seed = String(random.seed);
      say(`schemathesis: seed ${seed}, ${workers} workers`);
      const results = await Promise.all(RUNS.map(async ({ options, ...asked }) => {
        const { code, stdout, stderr } = await runSchemathesis({
          ...asked,
          ...{ controlOrigin, clientOrigin, controlKey: KEY, token, folder: folder.path },
          options: [...options, "--seed", seed],
        });
        if (code !== 0) say(`schemathesis, ${asked.name}:\n${stdout}\n${stderr}`);
        return [asked.name, code];
      }));
      assertEquals(results, RUNS.map(({ name }) => [name, 0]));
      const failures = server.log.lines.filter((line) => /\brequest failed\b/.test(line));
      assertEquals(failures, []);
    }),
);
