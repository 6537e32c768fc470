/** Throwing somebody out: what real clients of real servers see, after restarts and on other servers too. */
import { TestBrowser } from "../support/chromium.ts";
import { assert, assertEquals, assertMatch } from "../support/assert.ts";
import { EventSourcePage, PageOrigin } from "../support/event_source_page.ts";
import { metricsOf } from "../support/metrics.ts";
import { RedisServer } from "../support/redis_server.ts";
import { type ControlFields, type Server, startServer } from "../support/server.ts";
import { openStream } from "../support/sse_client.ts";
import { TempDir } from "../support/temp_dir.ts";
import { requires } from "../support/tools.ts";
import { waitFor } from "../support/wait.ts";

const SECRET = "the secret of all servers of these tests";
const FIELDS = { userId: "alex", channel: "chat" };
/** More streams than one of three workers gets, but for one time in thousands. */
const STREAMS = 9;

/** Posts fields, and returns the status and the answer: as JSON if it was done, otherwise as text. */
async function post(server: Server, path: string, fields: ControlFields) {
  const response = await server.control(path, {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify(fields),
  });
  const { status, ok } = response;
  const text = await response.text();
  return { status, text, json: ok ? JSON.parse(text) : undefined };
}

/** The status of a request for a stream. */
async function statusOf(server: Server, token: string): Promise<number> {
  const response = await fetch(server.eventsUrlWith(token));
  await response.body?.cancel();
  return response.status;
}

for (const workers of Deno.build.os === "linux" ? ["1", "3"] : ["1"]) {
  Deno.test(`on SQLite revoked tokens stay refused after a restart and a crash (workers: ${workers})`, async () => {
    await using folder = await TempDir.make();
    const store = `sqlite:${folder.join("store.db")}`;
    const flags = ["-store", store, "-secret", SECRET, "-workers", workers];
    const first = await startServer(flags);
    const [token, ann] = [
      await first.token(FIELDS),
      await first.token({ ...FIELDS, userId: "ann" }),
    ];
    const open = (token: string) => openStream(first.eventsUrl, { token });
    const streams = await Promise.all(Array.from({ length: STREAMS }, () => open(token)));
    const anns = await open(ann);
    const answer = (await post(first, "/revoke/", { userId: "alex" })).json;
    assertEquals([answer.streamsEnded, answer.unanswered], [STREAMS, []]);
    for (const stream of streams) {
      assertEquals(await stream.waitForEnd(), "clean");
      assertEquals(stream.comments.at(-1), "revoked");
      await stream[Symbol.asyncDispose]();
    }
    // Enough for each worker.
    for (let n = 0; n < STREAMS; n++) assertEquals(await statusOf(first, token), 204);
    const metrics = await metricsOf(first);
    assertEquals(metrics.value('sse_tokens_refused_total{reason="revoked"}'), STREAMS);
    assertEquals(anns.end, undefined);
    await anns[Symbol.asyncDispose]();
    const later = await first.token(FIELDS);
    assertEquals(await statusOf(first, later), 200);

    await first.stop();
    const second = await first.startAgain();
    for (let n = 0; n < STREAMS; n++) assertEquals(await statusOf(second, token), 204);
    await post(second, "/revoke/", { userId: "ann" });
    await second.kill();
    await using third = await second.startAgain();
    assertEquals(await Promise.all([token, ann, later].map((one) => statusOf(third, one))), [
      204,
      204,
      200,
    ]);
  });
}

Deno.test({
  name:
    "on one Redis a revocation holds on every server and in every worker at once, and what is known holds while Redis is away",
  ...requires("redis"),
  ignore: requires("redis").ignore || Deno.build.os !== "linux",
  async fn() {
    await using redis = await RedisServer.start();
    const flags = ["-store", redis.url, "-secret", SECRET];
    await using one = await startServer(flags);
    await using other = await startServer([...flags, "-workers", "3"]);
    const token = await one.token(FIELDS);
    const urls = [one.eventsUrl, ...Array.from({ length: STREAMS }, () => other.eventsUrl)];
    const streams = await Promise.all(urls.map((url) => openStream(url, { token })));
    // Each knows of the other a moment after its start.
    await waitFor("the servers to know each other", async () => {
      const { unanswered } = (await post(one, "/revoke/", { jti: "nobody's" })).json;
      const listed = await (await other.control("/revoke/")).json();
      return unanswered.length === 0 && listed.total === 1;
    });
    const answer = (await post(one, "/revoke/", { userId: "alex" })).json;
    assertEquals([answer.streamsEnded, answer.unanswered], [STREAMS + 1, []]);
    for (const stream of streams) {
      assertEquals(await stream.waitForEnd(), "clean");
      await stream[Symbol.asyncDispose]();
    }
    // At once: nobody has to wait for a second.
    for (const server of [one, ...Array.from({ length: STREAMS }, () => other)]) {
      assertEquals(await statusOf(server, token), 204);
    }
    const later = await other.token(FIELDS);
    assertEquals([await statusOf(one, later), await statusOf(other, later)], [200, 200]);

    await redis.kill();
    for (const server of [one, other]) await server.log.waitFor(/ store unreachable /);
    for (const server of [one, other]) {
      assertEquals([await statusOf(server, token), await statusOf(server, later)], [204, 200]);
      const refused = await post(server, "/revoke/", { userId: "ann" });
      assertEquals(refused.status, 503);
      assertMatch(refused.text, /^Cannot revoke: Redis at .* Nothing was changed; /);
    }
    await redis.startAgain();
    await one.log.waitFor(/ store reachable again /);
    assertEquals((await post(one, "/revoke/", { userId: "alex" })).status, 200);
    await waitFor(
      "the other server to hear of it",
      async () => await statusOf(other, later) === 204,
    );
  },
});

Deno.test({
  name:
    "Chromium's EventSource stops for good when its user is thrown out, comes back after /disconnect/, and works with a later token",
  ...requires("chromium"),
  async fn() {
    await using site = new PageOrigin();
    const flags = ["-cors", site.origin, "-retry", "100", "-log-level", "debug"];
    await using server = await startServer(flags);
    await using browser = await TestBrowser.launch();
    const open = async () =>
      await EventSourcePage.open(browser, site, server.eventsUrlWith(await server.token(FIELDS)));
    const page = await open();
    assertEquals((await post(server, "/disconnect/", FIELDS)).json, { streamsEnded: 1 });
    await page.waitForOpenings(2);
    await server.emit({ ...FIELDS, data: "still here" });
    await page.waitForCount(1);

    assertEquals((await post(server, "/revoke/", FIELDS)).json.streamsEnded, 1);
    await page.waitForClosed();
    const refusals = () =>
      server.log.lines.filter((line) => / client request refused status=204 /.test(line));
    assertEquals(refusals().length, 1);
    // A native EventSource that had not stopped would have come back several times meanwhile.
    const later = await open();
    for (let n = 1; n <= 3; n++) {
      assertEquals((await post(server, "/disconnect/", FIELDS)).json.streamsEnded, 1);
      await later.waitForOpenings(n + 1);
    }
    await server.emit({ ...FIELDS, data: "welcome back" });
    await later.waitForCount(1);
    assertEquals(refusals().length, 1, server.log.text);
    assertEquals((await page.received()).map(({ data }) => data), ["still here"]);
    assert(!server.log.text.includes("eyJ"), "no token is logged");
  },
});
