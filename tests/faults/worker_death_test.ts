/** Worker threads that die or hang: only their own streams notice, and no client loses an event. */
import { assert, assertEquals, assertIncludes, assertMatch } from "../support/assert.ts";
import { healthOf } from "../support/health.ts";
import { metricsOf } from "../support/metrics.ts";
import { withSeed } from "../support/seeded_random.ts";
import { type Server, startServer } from "../support/server.ts";
import { PROJECT_ROOT } from "../support/server_command.ts";
import { openStream } from "../support/sse_client.ts";
import { say } from "../support/tools.ts";
import { Traffic } from "../support/traffic.ts";
import { waitFor } from "../support/wait.ts";

const DEATHS = 3;

/** More than one worker gets, but for one time in millions. */
const STREAMS = 16;

/** A server whose first worker of three ends in this way at a SIGUSR2. */
function startMortal(how: string, flags: readonly string[] = []): Promise<Server> {
  const program = `${PROJECT_ROOT}tests/support/mortal_server.ts`;
  return startServer(["-workers", "3", "-retry", "40", "-history-events", "100000", ...flags], {
    command: [Deno.execPath(), "run", "-A", program],
    env: { MORTAL_WORKER: how },
  });
}

function countLines(server: Server, text: string): number {
  return server.log.lines.filter((line) => line.includes(text)).length;
}

for (const how of ["out of memory", "exit"]) {
  Deno.test(`a worker that dies (${how}) ends its own streams alone, is started again, and nothing is lost`, () =>
    withSeed(async (random) => {
      await using server = await startMortal(how);
      await using traffic = await Traffic.start(server, { clients: 24, publishers: 2, random });
      for (let death = 1; death <= DEATHS; death++) {
        await traffic.untilSomethingHappened(random);
        Deno.kill(server.pid, "SIGUSR2");
        await waitFor(
          `worker 0 to be back for the ${death}. time`,
          () => countLines(server, "info worker started again worker=0") === death,
        );
      }
      await traffic.assertNothingLost();
      assertEquals(countLines(server, "error worker died worker=0"), DEATHS);
      const streams = traffic.clients.map((client) => client.streams.length);
      say(`${DEATHS} deaths: ${traffic.describe()}; streams of each client: ${streams.join(" ")}`);
      assert(streams.includes(1), "no client stayed with its stream");
      assert(streams.some((count) => count > 1), "no client was with the worker that died");
      assertIncludes(JSON.stringify((await healthOf(server)).endings), '"server_error":');
    }));
}

for (const how of ["hang", "out of memory, unnoticed"]) {
  Deno.test(`a worker that takes no message any more (${how}) is ended, and nothing is lost`, () =>
    withSeed(async (random) => {
      await using server = await startMortal(how);
      const quiet = { clients: 12, publishers: 1, pauseMs: 50 };
      await using traffic = await Traffic.start(server, { ...quiet, random });
      await traffic.untilSomethingHappened(random);
      Deno.kill(server.pid, "SIGUSR2");
      await waitFor(
        "worker 0 to be back",
        () => countLines(server, "info worker started again worker=0") === 1,
      );
      await traffic.assertNothingLost();
      assertEquals(countLines(server, "error worker hangs worker=0"), 1);
      assertEquals((await healthOf(server)).status, "ok");
    }));
}

Deno.test("while a worker hangs, removed history is not called gone", async () => {
  await using server = await startMortal("hang");
  Deno.kill(server.pid, "SIGUSR2");
  let text = "";
  await waitFor("the refusal", async () => {
    const answer = await server.control("/channels/chat/history", { method: "DELETE" });
    text = await answer.text();
    return answer.status === 503;
  });
  assertMatch(text, /^0 events were removed from the store, but a worker does not answer/);
});

Deno.test("what a worker counted before it died stays counted, and its streams count as ended", async () => {
  await using server = await startMortal("exit");
  const token = await server.token({ userId: "alex", channel: "chat" });
  const streams = await Promise.all(
    Array.from({ length: STREAMS }, () => openStream(server.eventsUrl, { token })),
  );
  await server.emit({ userId: "*", channel: "chat", data: "to all" });
  for (const stream of streams) await stream.waitForCount(1);
  let last = await metricsOf(server);
  assertEquals(last.value("sse_deliveries_total"), STREAMS);

  Deno.kill(server.pid, "SIGUSR2");
  const counters = last.series.filter((series) => /_(total|bucket|count|sum)\b/.test(series));
  await waitFor("the worker's death, and the one after it", async () => {
    const metrics = await metricsOf(server);
    for (const counter of counters) {
      assert(metrics.value(counter) >= last.value(counter), `${counter} went down`);
    }
    const open = metrics.value("sse_streams");
    const ended = metrics.value('sse_streams_ended_total{reason="server error"}');
    // Nobody returns: the clients of this test do not.
    assertEquals(open + ended, STREAMS);
    last = metrics;
    return metrics.value("sse_workers_died_total") === 1 && metrics.value("sse_workers") === 3;
  });
  const broken = streams.filter(({ end }) => end !== undefined).length;
  assert(broken > 0, "the worker that died had no stream");
  assertEquals(last.value('sse_streams_ended_total{reason="server error"}'), broken);
  assertEquals(last.value("sse_deliveries_total"), STREAMS);
  await Promise.all(streams.map((stream) => stream.close()));
});

Deno.test("the streams of a worker that died count no longer against the limit of their user", async () => {
  await using server = await startMortal("exit", ["-max-streams-per-user", String(STREAMS)]);
  const token = await server.token({ userId: "alex", channel: "chat" });
  await using stack = new AsyncDisposableStack();
  const open = async () => stack.use(await openStream(server.eventsUrl, { token }));
  const streams = await Promise.all(Array.from({ length: STREAMS }, open));
  assertEquals(await (await open()).waitForEnd(), "clean");

  Deno.kill(server.pid, "SIGUSR2");
  await server.log.waitFor(/ info worker started again worker=0$/);
  const ended = (await metricsOf(server)).value('sse_streams_ended_total{reason="server error"}');
  assert(ended > 0, "the worker that died had no stream");
  const broken = await waitFor("its clients to notice", () => {
    const { length } = streams.filter(({ end }) => end !== undefined);
    return length === ended && length;
  });
  // As many places as it had streams, and no more.
  const further = await Promise.all(Array.from({ length: broken + 3 }, open));
  for (const stream of further) await stream.waitFor("an answer", () => stream.comments[0]);
  const rejected = further.filter(({ comments }) => comments[0] === "over the user limit");
  assertEquals(rejected.length, 3);
});

Deno.test("a worker that is started again knows what was revoked before, and hears of more", async () => {
  await using server = await startMortal("exit");
  const fields = { userId: "alex", channel: "chat" };
  const revoke = async () => {
    const body = new URLSearchParams({ userId: "alex" });
    const response = await server.control("/revoke/", { method: "POST", body });
    assertEquals(response.status, 200, await response.text());
  };
  const assertRefused = async (token: string) => {
    // Enough for each of the three workers.
    for (let n = 0; n < 12; n++) {
      const response = await fetch(server.eventsUrlWith(token));
      await response.body?.cancel();
      assertEquals(response.status, 204);
    }
  };
  const before = await server.token(fields);
  await revoke();
  Deno.kill(server.pid, "SIGUSR2");
  await server.log.waitFor(/ info worker started again worker=0$/);
  await assertRefused(before);
  const after = await server.token(fields);
  await revoke();
  await assertRefused(after);
});
