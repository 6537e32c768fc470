/** Redis goes away and comes back while a server runs: publishers are told at once, clients notice a delay. */
import { assert, assertEquals, assertMatch } from "../support/assert.ts";
import { assertOnlyLogLines } from "../support/log_lines.ts";
import { RedisServer } from "../support/redis_server.ts";
import { Relay } from "../support/relay.ts";
import { type Server, startServer } from "../support/server.ts";
import { openStream, type SseStream } from "../support/sse_client.ts";
import { requires } from "../support/tools.ts";
import { waitFor, withDeadline } from "../support/wait.ts";

const PASSWORD = "TOPSECRET-password";
/** "Within a second or two", on a machine that has other things to do. */
const ANSWER_DEADLINE_MS = 4000;
const EMITS_AT_ONCE = 200;
const EVENT = { userId: "*", channel: "chat" };
/** An event, the place of which a server has to ask Redis for. */
const OWN = "id: own\ndata: with an id of its own";

/** A server, the Redis it uses, and the relay through which it does. */
class Setup implements AsyncDisposable {
  private constructor(
    readonly redis: RedisServer,
    readonly relay: Relay,
    readonly server: Server,
  ) {}

  static async start(): Promise<Setup> {
    await using started = new AsyncDisposableStack();
    const redis = started.use(await RedisServer.start(["--requirepass", PASSWORD]));
    const relay = started.use(new Relay(redis.port));
    const store = `redis://:${PASSWORD}@127.0.0.1:${relay.port}/0`;
    const flags = ["-heartbeat", "0.2", "-retry", "200", "-log-level", "debug"];
    const server = await startServer(["-store", store, ...flags]);
    started.move();
    return new Setup(redis, relay, server);
  }

  async open(lastEventId?: string): Promise<SseStream> {
    const token = await this.server.token({ userId: "alex", channel: "chat" });
    return await openStream(this.server.eventsUrl, {
      token,
      ...(lastEventId === undefined ? {} : { lastEventId }),
    });
  }

  /** Emits an event, and returns the answer, which has to come in time. */
  async emit(data: string): Promise<{ status: number; retryAfter: string | null; text: string }> {
    const answer = async () => {
      const body = new URLSearchParams({ ...EVENT, data });
      const response = await this.server.control("/emit/", { method: "POST", body });
      const retryAfter = response.headers.get("Retry-After");
      return { status: response.status, retryAfter, text: await response.text() };
    };
    return await withDeadline(`an answer to ${data}`, answer(), { deadlineMs: ANSWER_DEADLINE_MS });
  }

  async assertRefused(data: string): Promise<void> {
    const { status, retryAfter, text } = await this.emit(data);
    assertEquals(status, 503, text);
    assertMatch(retryAfter ?? "no Retry-After", /^[1-9][0-9]*$/);
    assert(!text.includes(PASSWORD), text);
  }

  /** Emits several events in one request, each of which is to be answered by itself. */
  async assertLinesRefused(lines: readonly string[]): Promise<void> {
    const answer = async () => {
      const response = await this.server.control("/emit/", {
        method: "POST",
        headers: { "Content-Type": "application/x-ndjson" },
        body: lines.map((data) => JSON.stringify({ ...EVENT, data }) + "\n").join(""),
      });
      return (await response.text()).trimEnd().split("\n").map((line) => JSON.parse(line));
    };
    const options = { deadlineMs: ANSWER_DEADLINE_MS };
    const answers = await withDeadline("answers to lines", answer(), options);
    assertEquals(answers.map(({ line }) => line), lines.map((_, index) => index + 1));
    for (const { error } of answers) assertMatch(error, /^Cannot publish: Redis at /);
  }

  /** How often the log says so. */
  linesWith(text: string): number {
    return this.server.log.lines.filter((line) => line.includes(text)).length;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.relay.mend();
    await this.server[Symbol.asyncDispose]();
    await this.relay[Symbol.asyncDispose]();
    await this.redis[Symbol.asyncDispose]();
  }
}

interface Outage {
  begin(setup: Setup): void | Promise<void>;
  end(setup: Setup): void | Promise<void>;
}

const OUTAGES: Readonly<Record<string, Outage>> = {
  "is killed": {
    begin: ({ redis }) => redis.kill(),
    end: ({ redis }) => redis.startAgain(),
  },
  "stops in its tracks": {
    begin: ({ redis }) => redis.pause(),
    end: ({ redis }) => redis.goOn(),
  },
  "breaks every connection": {
    begin: ({ relay }) => relay.cut(),
    end: ({ relay }) => relay.mend(),
  },
  "is behind a network that loses everything": {
    begin: ({ relay }) => relay.stall(),
    end: ({ relay }) => relay.mend(),
  },
};

async function moreHeartbeats(stream: SseStream): Promise<void> {
  const before = stream.comments.length;
  await stream.waitFor("heartbeats", () => stream.comments.length >= before + 3);
}

const isUncertain = (data: string) => data.startsWith("uncertain ");

for (const [what, outage] of Object.entries(OUTAGES)) {
  Deno.test({
    name:
      `while Redis ${what} emits are answered 503 in time and streams go on, and afterwards all is as before`,
    ...requires("redis"),
    fn: async () => {
      await using setup = await Setup.start();
      const { server } = setup;
      await using stream = await setup.open();
      const { id } = await server.emit({ ...EVENT, data: "the first" });
      await server.emit({ ...EVENT, payload: OWN });
      await server.emit({ ...EVENT, data: "before" });
      await stream.waitForCount(3);
      await outage.begin(setup);
      await assertEmitsRefused(setup);
      await using late = await setup.open(id);
      await using lateWithOwnId = await setup.open("own");
      for (const one of [stream, late, lateWithOwnId]) await moreHeartbeats(one);
      await waitFor("attempts", () => setup.linesWith(" store still unreachable ") >= 2);
      await outage.end(setup);
      await server.log.waitFor(/ store reachable again /);
      assertEquals((await setup.emit("after")).status, 200);

      for (const one of [stream, late, lateWithOwnId]) {
        await one.waitFor("the last event", () => one.events.at(-1)?.data === "after");
      }
      const whole = stream.events.map(({ data }) => data);
      assertEquals(whole.filter((data) => !isUncertain(data)), [
        ...["the first", "with an id of its own", "before", "after"],
      ]);
      assertEquals(new Set(whole).size, whole.length);
      assertEquals(late.events.map(({ data }) => data), whole.slice(1));
      assertEquals(lateWithOwnId.events.map(({ data }) => data), whole.slice(2));

      assertEquals(server.log.lines.filter((line) => / (warn|error) /.test(line)).length, 1);
      assertEquals(setup.linesWith(" error store unreachable "), 1);
      assertEquals(setup.linesWith(" info store reachable again "), 1);
      assertOnlyLogLines(server);
      assert(!server.log.text.includes(PASSWORD));
    },
  });
}

async function assertEmitsRefused(setup: Setup): Promise<void> {
  const numbers = Array.from({ length: EMITS_AT_ONCE }, (_, index) => index + 1);
  await Promise.all(numbers.map((number) => setup.assertRefused(`uncertain ${number}`)));
  await setup.server.log.waitFor(/ store unreachable /);
  await Promise.all(numbers.map((number) => setup.assertRefused(`refused ${number}`)));
  await setup.assertLinesRefused(["refused line 1", "refused line 2", "refused line 3"]);
}

for (const [what, outage] of Object.entries(OUTAGES)) {
  Deno.test({
    name: `while Redis ${what} SIGTERM ends streams and process as ever`,
    ...requires("redis"),
    fn: async () => {
      await using setup = await Setup.start();
      const { id } = await setup.server.emit({ ...EVENT, data: "the first" });
      await setup.server.emit({ ...EVENT, payload: OWN });
      await using stream = await setup.open();
      await outage.begin(setup);
      await setup.server.log.waitFor(/ store unreachable /);
      await using late = await setup.open(id);
      await using lateWithOwnId = await setup.open("own");
      for (const one of [stream, late, lateWithOwnId]) await moreHeartbeats(one);
      assertEquals(await setup.server.stop("SIGTERM", { deadlineMs: 8000 }), 0);
      for (const one of [stream, late, lateWithOwnId]) {
        assertEquals(await one.waitForEnd(), "clean");
        assertEquals(one.comments.at(-1), "draining");
      }
      assertMatch(setup.server.log.lines.at(-1) ?? "", / info stopped$/);
      assertOnlyLogLines(setup.server);
    },
  });
}

Deno.test({
  name: "the longer Redis is away, the less often a server tries to reach it",
  ...requires("redis"),
  fn: async () => {
    await using setup = await Setup.start();
    const attempts = () =>
      setup.server.log.lines.filter((line) => line.includes(" store still unreachable "))
        .map((line) => Date.parse(line.slice(0, line.indexOf(" "))));
    setup.relay.cut();
    await waitFor("five attempts", () => attempts().length >= 5);
    // After 100 ms they are to be 200, 400, 800 and 1600 ms apart, give or take half.
    const [first = 0, , , , fifth = 0] = attempts();
    assert(fifth - first >= 1500, `five attempts in ${fifth - first} ms`);
    assert(fifth - first < 9000, `five attempts took ${fifth - first} ms`);
  },
});

Deno.test({
  name: "a server that is told to stop just when it reaches Redis again stops all the same",
  ...requires("redis"),
  fn: async () => {
    await using setup = await Setup.start();
    const { server, relay } = setup;
    await using stream = await setup.open();
    relay.stall();
    await server.log.waitFor(/ store still unreachable /);
    const before = relay.accepted;
    await waitFor("another attempt", () => relay.accepted > before);
    server.signal("SIGTERM");
    assertEquals(await stream.waitForEnd(), "clean");
    // Nothing tells when all that is left to it is that attempt; it takes longer than this.
    await new Promise((resolve) => setTimeout(resolve, 300));
    relay.mend();
    const { code } = await withDeadline("the server's end", server.exited);
    assertEquals(code, 0);
    assertEquals(setup.linesWith(" store reachable again "), 0);
  },
});
