/** The server is killed again and again: with SQLite nothing that was acknowledged is lost. */
import { assert, assertEquals } from "../support/assert.ts";
import { ChildProcess } from "../support/child_process.ts";
import { ResumingClient } from "../support/resuming_client.ts";
import { RestartingServer } from "../support/restarting_server.ts";
import { type SeededRandom, withSeed } from "../support/seeded_random.ts";
import { commandLine, withDefaults } from "../support/server_command.ts";
import { TempDir } from "../support/temp_dir.ts";
import { say } from "../support/tools.ts";
import { Traffic } from "../support/traffic.ts";

/** Kills by the number of workers. */
const KILLS = new Map([[1, 30], [3, 15]]);
const STARTS_KILLED = 15;
/** About what starting takes. */
const STARTING_MS = 300;

for (const [workers, kills] of KILLS) {
  Deno.test({
    name:
      `with SQLite every client gets every acknowledged event once and in order, though the server is killed ${kills} times (${workers} workers)`,
    fn: () =>
      withSeed(async (random) => {
        await using folder = await TempDir.make();
        await using server = await RestartingServer.start([
          ...["-store", `sqlite:${folder.join("events.db")}`],
          ...["-history-events", "100000", "-retry", "40", "-workers", String(workers)],
        ]);
        await using traffic = await Traffic.start(server.current, {
          clients: 20,
          publishers: 4,
          random,
        });
        for (let kill = 1; kill <= kills; kill++) {
          await traffic.untilSomethingHappened(random);
          // Some lose their connection while the server is up, and resume from the one that comes.
          for (const client of traffic.clients) if (random.chance(0.1)) client.drop();
          await server.kill();
          await server.startAgain();
        }
        await traffic.assertNothingLost();
        say(`${kills} kills: ${traffic.describe()}`);
        assert(traffic.unanswered > 0, "no kill ever hit an emit: the test is too gentle");
      }),
  });
}

Deno.test({
  name:
    "with SQLite a server that was killed while it started can be started again, with all it had",
  fn: () =>
    withSeed(async (random) => {
      await using folder = await TempDir.make();
      const flags = ["-store", `sqlite:${folder.join("events.db")}`];
      for (let kill = 1; kill <= STARTS_KILLED; kill++) await killWhileStarting(flags, random);
      await using server = await RestartingServer.start(flags);
      const token = await server.current.token({ userId: "alex", channel: "chat" });
      await using client = new ResumingClient({
        url: server.current.eventsUrl,
        token,
        name: "the client",
      });
      await client.waitFor("a place in the log", () => client.lastEventId !== "");
      const { id } = await server.current.emit({ userId: "alex", channel: "chat", data: "kept" });
      await server.kill();
      for (let kill = 1; kill <= STARTS_KILLED; kill++) await killWhileStarting(flags, random);
      await server.startAgain();
      await client.waitFor("the event", () => client.lastEventId === id);
      await server.current.emit({ userId: "alex", channel: "chat", data: "the next" });
      await client.waitFor("the next event", () => client.received.length === 2);
      assertEquals(client.received.map(({ data }) => data), ["kept", "the next"]);
    }),
});

/** Starts a server and kills it somewhere before or shortly after it listens. */
async function killWhileStarting(flags: readonly string[], random: SeededRandom): Promise<void> {
  const [program, args, options] = commandLine(withDefaults(flags), {});
  await using process = await ChildProcess.spawn(program, args, options);
  await new Promise((resolve) => setTimeout(resolve, random.between(0, STARTING_MS)));
  await process.stop("SIGKILL");
}
