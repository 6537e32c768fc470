/** A balancer that asks for /readyz replaces a server, and no client notices: HAProxy, as docs/cluster.md has it. */
import { assert, assertEquals } from "../support/assert.ts";
import { Member } from "../support/cluster.ts";
import { startHaproxyBeforeTwo } from "../support/documented_proxies.ts";
import { healthOf } from "../support/health.ts";
import { RedisServer } from "../support/redis_server.ts";
import { withSeed } from "../support/seeded_random.ts";
import type { Server } from "../support/server.ts";
import { requires, say } from "../support/tools.ts";
import { Traffic } from "../support/traffic.ts";
import { waitFor, withDeadline } from "../support/wait.ts";
import type { WebServer } from "../support/web_server.ts";

const FLAGS = ["-history-events", "100000", "-retry", "100"];

/** Between two new clients: so many of them take longer than from one health check to the next. */
const PAUSE_MS = 20;
const DURING_A_CHECK = 75;

/** New clients that come one after another, each to stay for its first bytes; disposing of it ends them. */
class Arrivals implements AsyncDisposable {
  /** How many got a stream at the first try. */
  arrived = 0;
  /** What the others got instead. */
  readonly refused: string[] = [];
  readonly #url: string;
  readonly #http = Deno.createHttpClient({ poolMaxIdlePerHost: 0 });
  readonly #finished: Promise<void>;
  #isEnded = false;

  constructor(url: string) {
    this.#url = url;
    this.#finished = this.#run();
  }

  /** Waits until so many more have arrived. */
  async more(count: number): Promise<void> {
    const enough = this.arrived + this.refused.length + count;
    await waitFor("new clients", () => this.arrived + this.refused.length >= enough);
  }

  async #run(): Promise<void> {
    while (!this.#isEnded) {
      const got = await withDeadline("the first bytes", firstBytes(this.#url, this.#http))
        .catch(String);
      if (got.startsWith("200 : connected\n")) this.arrived++;
      else this.refused.push(got);
      await new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#isEnded = true;
    await this.#finished;
    this.#http.close();
  }
}

/** The status and the first bytes of an answer. */
async function firstBytes(url: string, client: Deno.HttpClient): Promise<string> {
  const response = await fetch(url, { client });
  const reader = response.body?.getReader();
  const { value } = await reader?.read() ?? {};
  await reader?.cancel();
  return `${response.status} ${new TextDecoder().decode(value)}`;
}

async function untilSays(proxy: WebServer, what: RegExp): Promise<void> {
  await waitFor(() => `${what} in:\n${proxy.errorLog}`, () => what.test(proxy.errorLog));
}

async function announceStop(server: Server): Promise<void> {
  server.signal("SIGTERM");
  await server.log.waitFor(/ not ready, draining later /);
}

Deno.test({
  name:
    "HAProxy replaces a server whose Redis is away at first: every new client gets in, nothing is lost",
  ...requires("redis", "haproxy"),
  fn: () =>
    withSeed(async (random) => {
      await using redis = await RedisServer.start();
      // Its end is a second signal.
      await using replaced = await Member.start(redis.port, [...FLAGS, "-drain-delay", "600"]);
      await using delayed = new AsyncDisposableStack();
      delayed.defer(() => announceStop(replaced.current));
      await using other = await Member.start(redis.port, FLAGS);
      const hosts = [replaced, other].map(({ current }) => new URL(current.clientOrigin).host);
      const [one = "", two = ""] = hosts;
      await using proxy = await startHaproxyBeforeTwo([one, two]);
      const eventsUrl = `${proxy.origin}/api/sse/`;
      await using traffic = await Traffic.start(other.current, {
        clients: 20,
        publishers: 2,
        pauseMs: 20,
        eventsUrl,
        random,
      });
      const token = await other.current.token({ userId: "new", channel: "unheard" });
      await using arrivals = new Arrivals(`${eventsUrl}?token=${token}`);
      assert((await healthOf(replaced.current)).subscribers > 0, "the proxy uses one server alone");

      await announceStop(replaced.current);
      await untilSays(proxy, /Server sse\/sse1 is DOWN, reason: Layer7 wrong status, code: 503/);
      assert(!replaced.current.log.text.includes(" info draining "), "the port is closed already");
      assertEquals(await replaced.stop(), 0);

      replaced.relay.cut();
      const starting = replaced.startAgain();
      try {
        const live = async () => (await fetch(`http://${one}/livez`)).text();
        await waitFor("a server that waits", async () => await live().catch(() => "") === "live\n");
        await arrivals.more(DURING_A_CHECK);
        assert(!/sse1 is UP/.test(proxy.errorLog), proxy.errorLog);
      } finally {
        replaced.relay.mend();
        await starting;
      }
      await untilSays(proxy, /Server sse\/sse1 is UP/);
      const { current } = replaced;
      await waitFor("a client at it", async () => (await healthOf(current)).subscribers > 0);

      await traffic.assertNothingLost();
      assertEquals(arrivals.refused, []);
      say(`${arrivals.arrived} new clients; ${traffic.describe()}`);
    }),
});
