import { startServer } from "./tests/support/server.ts";
import { PresenceFollower, presenceOf } from "./tests/support/presence.ts";
import { RedisServer } from "./tests/support/redis_server.ts";
import { waitFor } from "./tests/support/wait.ts";
import { makeToken } from "./tests/support/jwt.ts";
import { TEST_SECRET } from "./tests/support/server_command.ts";
const N = 10000;
function cpu(pid: number) {
  const f = Deno.readTextFileSync(`/proc/${pid}/stat`).split(") ")[1]!.split(" ");
  return (Number(f[11]) + Number(f[12])) * 10;
}
await Deno.writeTextFile(
  "/tmp/w3/presence_tokens",
  Array.from(
    { length: N },
    (_, n) => makeToken({ userId: `user ${n}`, channel: "chat" }, { secret: TEST_SECRET }),
  ).join("\n") + "\n",
);
for (const workers of ["1", "2"]) {
  const redis = await RedisServer.start();
  const server = await startServer(["-store", redis.url, "-workers", workers, "-heartbeat", "0"]);
  const other = await startServer(["-store", redis.url]);
  const load = new Deno.Command("/tmp/w3/presence_load", {
    args: [
      "--subscribers",
      String(N),
      "--subscribe-at",
      new URL(server.clientOrigin).host,
      "--subscribe-path",
      "/events/",
      "--token-file",
      "/tmp/w3/presence_tokens",
      "--settle-ms",
      "300000",
      "--publishers",
      "0",
      "--seconds",
      "1",
    ],
    stdout: "null",
    stderr: "inherit",
  }).spawn();
  await waitFor("streams", async () => (await presenceOf(server)).total === N, {
    deadlineMs: 60000,
  });
  await new Promise((r) => setTimeout(r, 20000));
  const measure = async (what: string) => {
    const a = cpu(server.pid), b = cpu(other.pid);
    await new Promise((r) => setTimeout(r, 20000));
    console.log(
      workers,
      what,
      (cpu(server.pid) - a) / 20,
      "ms CPU a second; other",
      (cpu(other.pid) - b) / 20,
    );
  };
  await measure("idle");
  const f = await PresenceFollower.open(server);
  console.log(f.users.length);
  await measure("follow at server");
  await measure("follow at server");
  await f[Symbol.asyncDispose]();
  const g = await PresenceFollower.open(other);
  await measure("follow at other");
  await measure("follow at other");
  await g[Symbol.asyncDispose]();
  for (let i = 0; i < 3; i++) {
    const x = (await redis.command("INFO", "commandstats")).match(/cmdstat_publish:calls=(\d+)/)
      ?.[1];
    console.log("published", x);
    await measure("idle");
  }
  load.kill();
  await load.status;
  await server.stop();
  await other.stop();
  await redis[Symbol.asyncDispose]();
}
