/**
 * Who is here, over two servers on one Redis (one with a worker, one with three), while servers and Redis fail.
 *
 * @module
 */
import { assertEquals } from "../support/assert.ts";
import { PresenceFollower, presenceOf, summaryOf } from "../support/presence.ts";
import { RedisServer } from "../support/redis_server.ts";
import { type SeededRandom, withSeed } from "../support/seeded_random.ts";
import { type Server, startServer } from "../support/server.ts";
import { openStream, type SseStream } from "../support/sse_client.ts";
import { requires } from "../support/tools.ts";
import { waitFor, type WaitOptions } from "../support/wait.ts";

const withRedis = requires("redis");

function startOn(redis: RedisServer, ...flags: readonly string[]): Promise<Server> {
  return startServer(["-store", redis.url, ...flags]);
}

/** Opens a stream of the channel chat. */
async function connect(server: Server, userId: string): Promise<SseStream> {
  return await openStream(server.eventsUrl, {
    token: await server.token({ userId, channel: "chat" }),
  });
}

/** Waits until a server lists just these. */
async function lists(server: Server, expected: string, options?: WaitOptions): Promise<void> {
  let last = "";
  await waitFor(() => `${expected}; the last list was ${last}`, async () => {
    last = summaryOf(await presenceOf(server));
    return last === expected;
  }, options);
}

async function changesAre(follower: PresenceFollower, ...expected: string[]): Promise<void> {
  const told = () => follower.changes.join();
  await waitFor(
    () => `${expected}; told was ${told()}`,
    () => follower.changes.length >= expected.length,
  );
  assertEquals(follower.changes.toSorted(), expected.toSorted());
}

Deno.test(
  "users of two servers are listed by both; a stopped server's are gone at once",
  withRedis,
  async () => {
    await using redis = await RedisServer.start();
    await using one = await startOn(redis);
    await using streams = new AsyncDisposableStack();
    {
      await using three = await startOn(redis, "-workers", "3");
      for (let n = 0; n < 8; n++) streams.use(await connect(three, `user ${n % 2}`));
      streams.use(await connect(one, "user 0"));
      // No wait: who has a stream is there.
      for (const server of [one, three]) {
        assertEquals(summaryOf(await presenceOf(server)), "user 0 5, user 1 4");
      }
    }
    assertEquals(summaryOf(await presenceOf(one)), "user 0 1");
  },
);

Deno.test(
  "a server that is killed, or hangs, takes its users out within 30 s",
  withRedis,
  async () => {
    await using redis = await RedisServer.start();
    await using one = await startOn(redis);
    await using hung = await startOn(redis, "-workers", "3");
    await using killed = await startOn(redis);
    await using streams = new AsyncDisposableStack();
    streams.use(await connect(one, "a"));
    streams.use(await connect(hung, "b"));
    streams.use(await connect(killed, "c"));
    await using follower = await PresenceFollower.open(one, "&grace=0");
    assertEquals(follower.users, "a b c");
    hung.signal("SIGSTOP");
    try {
      await killed.kill();
      // Neither is known to be gone: what they last answered is told, and that they do not answer.
      assertEquals(summaryOf(await presenceOf(one)), "a 1, b 1, c 1; 2 unanswered");
      await lists(one, "a 1", { deadlineMs: 30_000 });
      await waitFor("the leaves", () => follower.users === "a");
      assertEquals(follower.changes.toSorted(), ["leave b", "leave c"]);
    } finally {
      hung.signal("SIGCONT");
    }
    await lists(one, "a 1, b 1");
    await waitFor("the user of the server that goes on", () => follower.users === "a b");
  },
);

Deno.test(
  "a reconnect within the grace time, to any server, is neither a leave nor a join",
  withRedis,
  async () => {
    await using redis = await RedisServer.start();
    await using one = await startOn(redis);
    await using three = await startOn(redis, "-workers", "3");
    await using streams = new AsyncDisposableStack();
    streams.use(await connect(one, "stays"));
    const returning = await connect(one, "returns");
    const leaving = await connect(one, "leaves");
    await using patient = await PresenceFollower.open(three, "&grace=4");
    await using strict = await PresenceFollower.open(three, "&grace=0");
    await returning[Symbol.asyncDispose]();
    await leaving[Symbol.asyncDispose]();
    await changesAre(strict, "leave returns", "leave leaves");
    streams.use(await connect(three, "returns"));
    streams.use(await connect(three, "comes"));
    await changesAre(strict, "leave returns", "leave leaves", "join returns", "join comes");
    await changesAre(patient, "join comes", "leave leaves");
    assertEquals(patient.users, "comes returns stays");
    // A stream of presence ends with its server, without an error.
    assertEquals(await three.stop(), 0);
    assertEquals([await patient.stream.waitForEnd(), await strict.stream.waitForEnd()], [
      "clean",
      "clean",
    ]);
  },
);

Deno.test(
  "while Redis is away a server tells what it knows, and who does not answer",
  withRedis,
  async () => {
    await using redis = await RedisServer.start();
    await using one = await startOn(redis);
    await using three = await startOn(redis, "-workers", "3");
    await using streams = new AsyncDisposableStack();
    streams.use(await connect(one, "a"));
    streams.use(await connect(three, "b"));
    await using follower = await PresenceFollower.open(one, "&grace=0");
    await lists(one, "a 1, b 1");
    await redis.kill();
    streams.use(await connect(one, "c"));
    await lists(one, "a 1, b 1, c 1; 1 unanswered");
    await waitFor("word of who is missing", () => follower.unanswered.at(-1) === 1);
    await redis.startEmpty();
    for (const server of [one, three]) await lists(server, "a 1, b 1, c 1");
    await waitFor("word that nobody is missing", () => follower.unanswered.at(-1) === 0);
    assertEquals([follower.users, follower.changes], ["a b c", ["join c"]]);
  },
);

const STEPS = 40;

/** Opens and closes streams of some users at some servers, and keeps account. */
class Crowd implements AsyncDisposable {
  readonly #servers: readonly Server[];
  readonly #random: SeededRandom;
  readonly #streams: { readonly user: string; readonly stream: SseStream }[] = [];

  constructor(servers: readonly Server[], random: SeededRandom) {
    this.#servers = servers;
    this.#random = random;
  }

  /** Who is there, as `summaryOf` says it. */
  get summary(): string {
    const streams = new Map<string, number>();
    for (const { user } of this.#streams) streams.set(user, (streams.get(user) ?? 0) + 1);
    return [...streams].toSorted().map(([user, count]) => `${user} ${count}`).join(", ");
  }

  get users(): string {
    return [...new Set(this.#streams.map(({ user }) => user))].toSorted().join(" ");
  }

  async step(): Promise<void> {
    const random = this.#random;
    if (this.#streams.length > 0 && random.chance(0.45)) {
      const [gone] = this.#streams.splice(random.between(0, this.#streams.length - 1), 1);
      await gone?.stream[Symbol.asyncDispose]();
    } else {
      const user = random.pick(["a", "b", "c", "d", "e"]);
      this.#streams.push({ user, stream: await connect(random.pick(this.#servers), user) });
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const { stream } of this.#streams) await stream[Symbol.asyncDispose]();
  }
}

async function follow(random: SeededRandom): Promise<void> {
  await using redis = await RedisServer.start();
  await using one = await startOn(redis);
  await using three = await startOn(redis, "-workers", "3");
  await using crowd = new Crowd([one, three], random);
  await using strict = await PresenceFollower.open(one, "&grace=0");
  await using patient = await PresenceFollower.open(three, "&grace=1");
  for (let step = 1; step <= STEPS; step++) {
    await crowd.step();
    const { summary, users } = crowd;
    for (const server of [one, three]) await lists(server, summary);
    if (step % 10 > 0) continue;
    for (const told of [strict, patient]) {
      await waitFor(() => `${users}; told was ${told.users}`, () => told.users === users);
    }
  }
}

Deno.test(
  "whoever comes and goes, lists and streams come to what a model says",
  withRedis,
  () => withSeed(follow),
);
