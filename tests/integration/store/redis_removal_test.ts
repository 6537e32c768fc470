/**
 * Removing history that several servers share: it leaves Redis, and the memory of every server.
 *
 * @module
 */
import { createClient } from "@redis/client";
import { MAX_REMOVED_USERS } from "../../../src/broker/log.ts";
import { RedisLog } from "../../../src/broker/redis/redis_log.ts";
import { RedisSession } from "../../../src/broker/redis/redis_session.ts";
import { assert, assertEquals } from "../../support/assert.ts";
import { RedisServer } from "../../support/redis_server.ts";
import { Relay } from "../../support/relay.ts";
import { RedisNode } from "../../support/store/redis_node.ts";
import { redisAddress } from "../../support/store/redis_store.ts";
import { ROOMY } from "../../support/store/stores.ts";
import { requires } from "../../support/tools.ts";
import { publication } from "../../support/hub/rig.ts";

const withRedis = requires("redis");

const MARK = "what nobody may know any more";

/** How often the mark stands in the keys, as Redis would write them to a disk. */
async function tracesIn(port: number): Promise<number> {
  const client = createClient({ RESP: 2, socket: { host: "127.0.0.1", port } });
  await client.connect();
  try {
    let traces = 0;
    // Short texts are written as they are; so is all of a list, a set or a stream with this setting.
    await client.configSet("rdbcompression", "no");
    for (const key of await client.keys("*")) {
      traces += String(await client.sendCommand(["DUMP", key])).split(MARK).length - 1;
    }
    return traces;
  } finally {
    client.destroy();
  }
}

async function emitFor(node: RedisNode, user: string, data: string): Promise<void> {
  await node.broker.publish([publication("red", user, [`data: ${data}`])]);
}

Deno.test(
  "what is removed at one server is gone at the others, and from Redis",
  withRedis,
  async () => {
    await using redis = await RedisServer.start();
    await using one = await RedisNode.start(redis.port);
    await using other = await RedisNode.start(redis.port);
    const live = other.listen();
    const { id: start } = await one.emit("start");
    await emitFor(one, "ann", `1 ${MARK}`);
    await one.emit("2");
    await emitFor(one, "bob", `3 ${MARK}`);
    await one.emit("4");
    await live.gets("start", `1 ${MARK}`, "2", "4");
    assert(await tracesIn(redis.port) > 0, "the mark is in Redis");
    assertEquals(await one.broker.removeHistory({ user: "ann" }), 1);
    assertEquals(await one.broker.removeHistory({ user: "bob" }), 1);
    assertEquals(await tracesIn(redis.port), 0);
    for (const node of [one, other]) {
      await node.reach(idOf(one));
      await node.listen(start).gets("gap", "2", "4");
    }
    await other.emit("5");
    await live.gets("start", `1 ${MARK}`, "2", "4", "5");
    assertEquals(await other.broker.removeHistory({ channel: "red" }), 4);
    await one.reach(idOf(other));
    const late = one.listen(start);
    await late.gets("gap");
    await one.emit("6");
    await late.gets("gap", "6");
    await live.gets("start", `1 ${MARK}`, "2", "4", "5", "6");
    for (const { lines } of [one, other]) {
      assertEquals(lines.filter((line) => / (warn|error) /.test(line)), []);
    }
  },
);

Deno.test("a server that starts after a removal goes on from there", withRedis, async () => {
  await using redis = await RedisServer.start();
  await using one = await RedisNode.start(redis.port);
  const { id: start } = await one.emit("start");
  await emitFor(one, "ann", MARK);
  const { id } = await one.emit("kept");
  await one.broker.removeHistory({ user: "ann" });
  await using late = await RedisNode.start(redis.port);
  await late.listen(start).gets("gap", "kept");
  const listener = late.listen(id);
  await one.emit("after");
  await listener.gets("after");
});

Deno.test(
  "a server that had not read what is removed tells its clients of the gap",
  withRedis,
  async () => {
    await using redis = await RedisServer.start();
    await using relay = new Relay(redis.port);
    await using one = await RedisNode.start(redis.port);
    await using behind = await RedisNode.start(relay.port);
    const listener = behind.listen();
    await one.emit("before");
    await listener.gets("before");
    relay.cut();
    await behind.logs(/ error store unreachable /);
    await emitFor(one, "ann", MARK);
    await one.emit("missed");
    assertEquals(await one.broker.removeHistory({ user: "ann" }), 1);
    relay.mend();
    await listener.gets("before", "gap", "missed");
  },
);

Deno.test(
  "what a server of version 1.0 reads of a removal makes it load the log anew",
  withRedis,
  async () => {
    await using redis = await RedisServer.start();
    await using one = await RedisNode.start(redis.port);
    await one.emit("kept");
    const { seq: last } = one.broker.head;
    await one.broker.removeHistory({ user: "ann" });
    const session = await RedisSession.open(redisAddress(redis.port));
    const [entry, ...others] = await session.nextEntries("sse:feed", last);
    assertEquals(others, []);
    // Version 1.0 takes an entry whose fifth field is not "call" for word of a loss; the others it needs.
    const [, fields = []] = entry ?? ["", []];
    assertEquals(fields.slice(0, 5), [
      ...["previous", String(last)],
      ...["epoch", one.broker.head.epoch],
      "removed",
    ]);
    assertEquals(entry?.[0], `${one.broker.head.seq}-0`);
    const log = new RedisLog("sse:", ROOMY);
    assertEquals(await log.open(session, { seq: 0, epoch: "" }), one.broker.head);
    session.end(new Error("done"));
  },
);

Deno.test(
  "while Redis is away history cannot be removed, and the answer says so",
  withRedis,
  async () => {
    await using redis = await RedisServer.start();
    await using relay = new Relay(redis.port);
    await using node = await RedisNode.start(relay.port);
    relay.cut();
    await node.logs(/ error store unreachable /);
    const error = await node.broker.removeHistory({ channel: "red" }).catch((error) => error);
    assertEquals(error.name, "StoreUnavailable");
    assertEquals(
      error.message.replace(/:[0-9]+/, ":N"),
      "Cannot remove history: Redis at 127.0.0.1:N is not reachable. Nothing was removed; try again soon.",
    );
    relay.mend();
  },
);

function idOf({ broker }: RedisNode): string {
  return String(broker.head.seq);
}

Deno.test(
  "past the limit of users in Redis the lowest horizon is everyone's",
  withRedis,
  async () => {
    await using redis = await RedisServer.start();
    await using node = await RedisNode.start(redis.port);
    const fill = `for i = 1, ${MAX_REMOVED_USERS} do
    redis.call('ZADD', 'sse:removed', 10 + i, 'user ' .. i) end`;
    await redis.command("EVAL", fill, "0");
    await emitFor(node, "ann", "x");
    const seq = node.broker.head.seq;
    await node.broker.removeHistory({ user: "ann" });
    const horizonOf = async (user: string) => (await node.broker.lookUp("1", "red", user)).horizon;
    assertEquals(
      [await horizonOf("stranger"), await horizonOf("user 2"), await horizonOf("ann")],
      [11, 12, seq],
    );
  },
);
