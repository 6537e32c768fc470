/** The monitoring of examples/monitoring/ with a real Prometheus: it scrapes, and every query of board and alerts answers. */
import { assert, assertEquals } from "../support/assert.ts";
import { run } from "../support/child_process.ts";
import { metricsOf } from "../support/metrics.ts";
import { Prometheus, readExample } from "../support/prometheus.ts";
import { startServer } from "../support/server.ts";
import { openStream } from "../support/sse_client.ts";
import { TempDir } from "../support/temp_dir.ts";
import { requires, toolPath } from "../support/tools.ts";
import { waitFor } from "../support/wait.ts";

const KEY = "the key of a monitor";

interface Panel {
  readonly title: string;
  readonly targets: readonly { readonly expr: string }[];
}

/** The queries of the board, as Grafana would send them. */
async function boardQueries(): Promise<readonly string[]> {
  const { panels } = JSON.parse(await readExample("grafana.json")) as { panels: readonly Panel[] };
  return panels.flatMap(({ targets }) => targets).map(({ expr }) =>
    expr.replaceAll("$__rate_interval", "1m").replaceAll("$instance", ".*")
  );
}

/** The conditions of the alerts, without what they compare with: those of a healthy server answer nothing. */
async function alertQueries(): Promise<readonly string[]> {
  const alerts = await readExample("alerts.yml");
  return Array.from(
    alerts.matchAll(/^ +expr: (.+)$/gm),
    ([, expr = ""]) => expr.split(/ (?:==|>) [\d.]+| > (?=sum)/)[0] ?? "",
  );
}

/** The names of metrics in a text; a histogram's without the suffix of its series. */
function metricsIn(text: string): readonly string[] {
  return (text.match(/\b(sse|process)_\w+/g) ?? []).map((name) => name.replace(/_bucket$/, ""));
}

Deno.test(
  "Prometheus scrapes a server with its key, and answers what board and alerts ask",
  requires("prometheus"),
  async () => {
    // All rights, for the metrics of file descriptors.
    const command = [Deno.execPath(), "run", "-A", "main.ts"];
    await using server = await startServer(["-control-key", KEY], { command, controlKey: KEY });
    const token = await server.token({ userId: "alex", channel: "chat" });
    await using stream = await openStream(server.eventsUrl, { token });
    await using prometheus = await Prometheus.start(new URL(server.controlOrigin).host, KEY);
    await server.emit({ userId: "*", channel: "chat", data: "x" });
    await stream.next();
    await waitFor(
      () => "the delivery to be scraped",
      async () => (await prometheus.query("sse_deliveries_total"))[0]?.value[1] === "1",
    );
    const delays = await prometheus.query("sse_delivery_delay_seconds_count");
    assertEquals(delays.map(({ value }) => value[1]), ["1"]);

    const queries = [...await boardQueries(), ...await alertQueries()];
    assert(queries.length > 40, `only ${queries.length} queries were found`);
    for (const query of queries) {
      // A rate has a value once there were two scrapes.
      await waitFor(
        `an answer to ${query}`,
        async () => (await prometheus.query(query)).length > 0,
      );
    }
    const known = new Set((await metricsOf(server)).heads.map(({ name }) => name));
    const named = [...queries, await readExample("alerts.yml")].flatMap(metricsIn);
    const unknown = named.filter((name) => !known.has(name));
    assertEquals(unknown, [], "metrics of board and alerts that the server does not have");
    // With their comparisons: a healthy server sets off no alert.
    const firing = await prometheus.query('ALERTS{alertstate=~"pending|firing"}');
    assertEquals(firing.map(({ metric }) => metric.alertname), []);
  },
);

/** What sets off an alert, and the alert. */
const CASES = [
  ["ServerDown", 'up{job="sse-server", instance="a"}', "0x20"],
  ["StoreDown", 'sse_store_up{instance="a"}', "0x20"],
  ["EmitsFail", 'sse_emits_failed_total{instance="a"}', "0+1x20"],
  ["Gaps", 'sse_gaps_total{instance="a"}', "0+1x20"],
  ["OverTheLimit", 'sse_clients_rejected_total{instance="a", reason="over the limit"}', "0+1x20"],
  ["EmitsOverTheLimit", 'sse_control_limited_total{instance="a", limit="channels"}', "0+1x20"],
  ["WorkerDied", 'sse_workers_died_total{instance="a"}', "0+0x10 1+0x10"],
] as const;

Deno.test(
  "the alerts are rules that promtool accepts, and go off as they should",
  requires("promtool"),
  async () => {
    await using folder = await TempDir.make();
    const rules = await folder.write("alerts.yml", await readExample("alerts.yml"));
    const checked = await run(toolPath("promtool"), ["check", "rules", "--lint-fatal", rules]);
    assertEquals(checked.code, 0, checked.stdout + checked.stderr);
    const tests = CASES.map(([alert, series, values]) => ({
      interval: "1m",
      input_series: [{ series, values }],
      promql_expr_test: [{
        expr: `count by (alertname) (ALERTS{alertstate="firing", alertname="${alert}"})`,
        eval_time: "15m",
        exp_samples: [{ labels: `{alertname="${alert}"}`, value: 1 }],
      }],
    }));
    // JSON is YAML.
    const file = await folder.write("tests.yml", JSON.stringify({ rule_files: [rules], tests }));
    const tested = await run(toolPath("promtool"), ["test", "rules", file]);
    assertEquals(tested.code, 0, tested.stdout + tested.stderr);
  },
);

Deno.test("each alert says in one sentence what to do", async () => {
  const alerts = await readExample("alerts.yml");
  const count = alerts.match(/^ +- alert: /gm)?.length ?? 0;
  const actions = [...alerts.matchAll(/^ +action: "([^"]+)"$/gm)].map(([, action = ""]) => action);
  assertEquals([count > 10, actions.length], [true, count]);
  assertEquals(actions.filter((action) => !/^[A-Z][^.]*(\.\w[^.]*)*\.$/.test(action)), []);
});
