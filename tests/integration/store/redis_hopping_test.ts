/**
 * Clients that go from server to server while the servers' ways to Redis break: nothing is lost, nothing comes twice.
 *
 * @module
 */
import { assertEquals } from "../../support/assert.ts";
import { RedisServer } from "../../support/redis_server.ts";
import { Relay } from "../../support/relay.ts";
import { type SeededRandom, withSeeds } from "../../support/seeded_random.ts";
import { requires } from "../../support/tools.ts";
import { waitFor } from "../../support/wait.ts";
import { type Listener, RedisNode } from "../../support/store/redis_node.ts";

const RUNS = Number(Deno.env.get("SSE_TEST_HOPPING_RUNS") ?? 2);
const STEPS = 150;
const NODES = 3;
const CLIENTS = 5;

/** Less than a client may have waiting, and small enough for a buffer to be full at times. */
const FILLER = "x".repeat(3000);

/** One client, wherever it is connected. */
class Hopper {
  readonly #before: string[] = [];
  #listener: Listener | undefined;
  #lastEventId: string;

  constructor(lastEventId: string) {
    this.#lastEventId = lastEventId;
  }

  get seen(): readonly string[] {
    return [...this.#before, ...this.#listener?.seen ?? []].map((data) => data.replace(/x+$/, ""));
  }

  async moveTo(node: RedisNode): Promise<void> {
    await this.leave();
    this.#listener = node.listen(this.#lastEventId);
  }

  async leave(): Promise<void> {
    if (this.#listener === undefined) return;
    await this.#listener.leave();
    this.#before.push(...this.#listener.seen);
    this.#lastEventId = this.#listener.lastEventId || this.#lastEventId;
    this.#listener = undefined;
  }
}

Deno.test(
  "clients that hop between servers cut off from Redis get every event once and in order",
  requires("redis"),
  () => withSeeds(RUNS, hopAround),
);

async function hopAround(random: SeededRandom): Promise<void> {
  await using redis = await RedisServer.start();
  await using cleanUp = new AsyncDisposableStack();
  await using source = await RedisNode.start(redis.port);
  const { id: start } = await source.emit("start");
  const relays = Array.from({ length: NODES }, () => cleanUp.use(new Relay(redis.port)));
  const nodes: RedisNode[] = [];
  for (const { port } of relays) {
    const options = { windowBytes: random.pick([0, 10_000, 2 ** 26]), maxBufferBytes: 5000 };
    nodes.push(cleanUp.use(await RedisNode.start(port, options)));
  }
  const hoppers = Array.from({ length: CLIENTS }, () => new Hopper(start));
  const published: string[] = [];
  for (let step = 0; step < STEPS; step++) {
    const relay = random.pick(relays);
    switch (random.weighted({ emit: 20, hop: 8, cut: 2, stall: 1, mend: 4, trim: 1, pause: 6 })) {
      case "emit": {
        const datas = Array.from({ length: random.between(1, 20) }, (_, n) => `${step}/${n} `);
        published.push(...datas);
        await Promise.all(datas.map((data) => source.emit(data + FILLER)));
        break;
      }
      case "hop":
        await random.pick(hoppers).moveTo(random.pick(nodes));
        break;
      case "cut":
        relay.cut();
        break;
      case "stall":
        relay.mend(); // A relay that is stalled twice would never let go of what it held first.
        relay.stall();
        break;
      case "mend":
        relay.mend();
        break;
      case "trim":
        await redis.command("XTRIM", "sse:feed", "MAXLEN", String(random.between(0, 3)));
        break;
      case "pause":
        await new Promise((resolve) => setTimeout(resolve, random.between(0, 120)));
        break;
    }
  }
  for (const relay of relays) relay.mend();
  for (const hopper of hoppers) await hopper.moveTo(random.pick(nodes));
  for (const hopper of hoppers) {
    await waitFor(
      () => `${published.length} events; there were ${hopper.seen.length}`,
      () => hopper.seen.length >= published.length,
    );
    assertEquals(hopper.seen.map((data) => data.trim()), published.map((data) => data.trim()));
    await hopper.leave();
  }
}
