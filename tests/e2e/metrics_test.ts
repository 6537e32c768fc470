/** `GET /metrics`: the numbers are those that a user would count, and no name of a user is among them. */
import { assert, assertEquals } from "../support/assert.ts";
import { run } from "../support/child_process.ts";
import { readPage } from "../support/markdown.ts";
import { metricsOf } from "../support/metrics.ts";
import { startServer } from "../support/server.ts";
import { openStream } from "../support/sse_client.ts";
import { TempDir } from "../support/temp_dir.ts";
import { requires, toolPath } from "../support/tools.ts";
import { waitFor } from "../support/wait.ts";

const EVENTS = 10;
const STREAMS = 3;

/** The form that Prometheus asks for first. */
const OPEN_METRICS = { headers: { Accept: "application/openmetrics-text; version=1.0.0" } };

Deno.test("the first stream of a server that comes back with an id is behind, and then is not", async () => {
  await using server = await startServer();
  const { id: lastEventId } = await server.emit({ userId: "*", channel: "chat", data: "1" });
  await server.emit({ userId: "*", channel: "chat", data: "2" });
  const token = await server.token({ userId: "alex", channel: "chat" });
  await using stream = await openStream(server.eventsUrl, { token, lastEventId });
  await stream.next();
  assertEquals((await metricsOf(server)).value("sse_streams_behind"), 0);
});

for (const workers of [1, 3]) {
  Deno.test(`with ${workers} workers, what is counted is what was published, delivered and refused`, async () => {
    await using server = await startServer(["-workers", String(workers)]);
    const token = await server.token({ userId: "alex", channel: "chat" });
    const streams = await Promise.all(
      Array.from({ length: STREAMS }, () => openStream(server.eventsUrl, { token })),
    );
    const ids: string[] = [];
    for (let n = 0; n < EVENTS; n++) {
      const event = { userId: "*", channel: "chat", data: String(n) };
      ids.push((await server.emit(event, { "Idempotency-Key": String(n) })).id);
    }
    await server.emit({ userId: "*", channel: "chat", data: "0" }, { "Idempotency-Key": "0" });
    for (const stream of streams) await stream.waitForCount(EVENTS);
    const deliveredBytes = streams[0]?.events
      .map(({ data, id }) => `data: ${data}\nid: ${id}\n\n`.length)
      .reduce((sum, length) => sum + length * STREAMS, 0);

    const live = await metricsOf(server);
    assertEquals(live.value("sse_events_published_total"), EVENTS);
    assertEquals(live.value("sse_emits_repeated_total"), 1);
    assertEquals(live.value("sse_deliveries_total"), EVENTS * STREAMS);
    assertEquals(live.value("sse_delivered_bytes_total"), deliveredBytes);
    assertEquals(live.value("sse_delivery_delay_seconds_count"), EVENTS * STREAMS);
    assertEquals(live.value("sse_streams"), STREAMS);
    assertEquals(live.value("sse_retained_events"), EVENTS);
    assertEquals(live.value("sse_workers"), workers);
    assertEquals(live.value("sse_store_up"), 1);

    {
      // The last five, from history.
      const lastEventId = ids.at(-6) ?? "";
      await using returned = await openStream(server.eventsUrl, { token, lastEventId });
      await returned.waitForCount(5);
    }
    await (await fetch(server.eventsUrl)).body?.cancel();
    await (await fetch(server.eventsUrlWith("no token"))).body?.cancel();
    for (const stream of streams) await stream.close();
    const metrics = await waitFor("all streams to have ended", async () => {
      const metrics = await metricsOf(server);
      return metrics.value("sse_streams") === 0 && metrics;
    });
    assertEquals(metrics.value("sse_streams_opened_total"), STREAMS + 1);
    assertEquals(metrics.value('sse_streams_ended_total{reason="client left"}'), STREAMS + 1);
    assertEquals(metrics.value("sse_deliveries_total"), EVENTS * STREAMS + 5);
    assertEquals(metrics.value("sse_deliveries_replayed_total"), 5);
    assertEquals(metrics.value("sse_delivery_delay_seconds_count"), EVENTS * STREAMS);
    assertEquals(metrics.value('sse_tokens_refused_total{reason="missing"}'), 1);
    assertEquals(metrics.value('sse_tokens_refused_total{reason="malformed"}'), 1);
    const emits = 'sse_control_requests_total{route="/emit/",status="200"}';
    assertEquals(metrics.value(emits), EVENTS + 1);
  });
}

/** Names that would break out of a label, or be a secret in it. */
const SLY = 'sly"} 1\nsly_total{x="\\';

Deno.test("nothing that a client or a back end chooses is in the metrics", async () => {
  await using server = await startServer();
  const token = await server.token({ userId: SLY, channel: SLY });
  await using stream = await openStream(server.eventsUrl, { token });
  await server.emit({ userId: SLY, channel: SLY, data: "sly" });
  await stream.next();
  const path = encodeURIComponent(SLY);
  for (const target of [`/${path}`, `/channels/${path}`, `/emit/?${path}`]) {
    await (await server.control(target)).body?.cancel();
    await (await fetch(`${server.clientOrigin}${target}`)).body?.cancel();
    await (await fetch(`${server.eventsUrl}?token=${path}`)).body?.cancel();
  }
  for (const init of [{}, OPEN_METRICS]) {
    const text = await (await server.control("/metrics", init)).text();
    assertEquals(text.toLowerCase().includes("sly"), false, text);
  }
  const metrics = await metricsOf(server);
  const refused = metrics.series.filter((series) => /sse_control.*status="40[45]"/.test(series));
  assertEquals(refused, [
    'sse_control_requests_total{route="/emit/",status="405"}',
    'sse_control_requests_total{route="other",status="404"}',
  ]);
});

Deno.test(
  "both forms are what promtool, and the rules of each, expect",
  requires("promtool"),
  async () => {
    await using server = await startServer();
    const { text } = await metricsOf(server);
    await using folder = await TempDir.make();
    const file = await folder.write("metrics", text);
    const promtool = toolPath("promtool");
    const checked = await run("sh", ["-c", '"$0" check metrics < "$1"', promtool, file]);
    assertEquals([checked.code, checked.stdout + checked.stderr], [0, ""]);
    const open = await server.control("/metrics", OPEN_METRICS);
    assertEquals(
      open.headers.get("Content-Type"),
      "application/openmetrics-text; version=1.0.0; charset=utf-8",
    );
    const lines = (await open.text()).split("\n");
    assertEquals(lines.slice(-2), ["# EOF", ""]);
    const counterNames = lines.filter((line) => /^# TYPE \S+_total /.test(line));
    assertEquals(counterNames, [], "a counter's own name ends without _total");
  },
);

Deno.test("docs/operating.md lists every metric with its type and what it says", async () => {
  const all = [Deno.execPath(), "run", "-A", "main.ts"];
  await using server = await startServer([], { command: all });
  const { heads } = await metricsOf(server);
  const { text } = await readPage("docs/operating.md");
  const rows = Array.from(
    text.matchAll(/^\| `((?:sse|process)_\w+)` \| (\w+) \| (.*) \|$/gm),
    ([, name, type, help]) => ({ name, type, help: help?.replaceAll("`", "") }),
  );
  assertEquals(rows, heads.map(({ name, type, help }) => ({ name, type, help })));
});

Deno.test("from the first scrape on, the event loops of all threads are looked at", async () => {
  await using server = await startServer(["-workers", "2"]);
  const observations = async () =>
    (await metricsOf(server)).value("sse_event_loop_delay_seconds_count");
  await waitFor("observations", async () => await observations() >= 9);
  assert((await metricsOf(server)).value("sse_heap_bytes") > 3_000_000);
});
