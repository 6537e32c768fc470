/** nginx stands between, and it, too, is reloaded and killed. */
import { assert } from "../support/assert.ts";
import { RestartingNginx } from "../support/restarting_nginx.ts";
import { RestartingServer } from "../support/restarting_server.ts";
import { withSeed } from "../support/seeded_random.ts";
import { TempDir } from "../support/temp_dir.ts";
import { requires, say } from "../support/tools.ts";
import { Traffic } from "../support/traffic.ts";

const FAULTS_OF_EACH_KIND = 6;

Deno.test({
  name:
    "through nginx every client gets every acknowledged event once and in order, whether nginx is reloaded or killed or the server restarts",
  ...requires("nginx"),
  fn: () =>
    withSeed(async (random) => {
      await using folder = await TempDir.make();
      await using server = await RestartingServer.start([
        ...["-store", `sqlite:${folder.join("events.db")}`],
        ...["-history-events", "100000", "-retry", "40"],
      ]);
      await using nginx = await RestartingNginx.start(new URL(server.current.clientOrigin).host);
      await using traffic = await Traffic.start(server.current, {
        clients: 20,
        publishers: 3,
        eventsUrl: nginx.eventsUrl,
        random,
      });
      const faults: Record<string, () => Promise<void>> = {
        "nginx reloaded": () => Promise.resolve(nginx.reload()),
        "nginx killed": async () => {
          await nginx.kill();
          // Something to catch up on, however fast nginx is back.
          await traffic.ledger.acknowledged.more(random.between(0, 20));
          await nginx.startAgain();
        },
        "server killed": async () => {
          await server.kill();
          await server.startAgain();
        },
        "server stopped": async () => {
          await server.stop();
          await server.startAgain();
        },
      };
      const schedule = Array.from({ length: FAULTS_OF_EACH_KIND }, () => Object.entries(faults))
        .flat();
      for (const [, strike] of random.shuffled(schedule)) {
        await traffic.untilSomethingHappened(random);
        await strike();
      }
      await traffic.assertNothingLost();
      const refusals = traffic.clients.reduce((sum, client) => sum + client.refusals.length, 0);
      say(`${schedule.length} faults: ${traffic.describe()}; nginx answered ${refusals} times 502`);
      assert(refusals > 0, "no client ever came while the server was away: the test is too gentle");
    }),
});
