/** How the server is doing now, and has been doing for five minutes. */
import { post } from "./api.js";
import { chart } from "./charts.js";
import { element, facts, field, form } from "./elements.js";
import { bytes, count, counted, delay, duration, rate } from "./formats.js";
import { rightsNote } from "./rights.js";

export function overview(server) {
  const charts = [
    chart("Streams open", [{ name: "open", of: ({ streams }) => streams }], count),
    chart("Published a second", [
      { name: "published", of: ({ publishedPerSecond }) => publishedPerSecond },
    ], rate),
    chart("Deliveries a second", [
      { name: "delivered", of: ({ deliveriesPerSecond }) => deliveriesPerSecond },
    ], rate),
    chart("Delay to the hand-over", [
      { name: "p50", of: ({ delayP50Seconds }) => delayP50Seconds },
      { name: "p99", of: ({ delayP99Seconds }) => delayP99Seconds },
    ], delay),
  ];
  const now = element("div");
  const endings = element("div");
  const draw = () => {
    if (document.hidden) return;
    for (const one of charts) one.draw(server.samples);
    if (server.stats === undefined) return;
    now.replaceChildren(factsOf(server));
    endings.replaceChildren(endingsOf(server.stats));
  };
  const unwatch = server.watch(draw);
  document.addEventListener("visibilitychange", draw);
  draw();
  const node = element(
    "div",
    {},
    element("div", { class: "charts" }, ...charts.map(({ figure }) => figure)),
    element(
      "div",
      { class: "columns" },
      element("section", {}, element("h3", {}, "Now"), now),
      element("section", {}, element("h3", {}, "How streams have ended"), endings),
    ),
    ...(server.hello.store.startsWith("sqlite") ? [backup(server)] : []),
  );
  return {
    title: "Overview",
    node,
    close() {
      unwatch();
      document.removeEventListener("visibilitychange", draw);
    },
  };
}

function factsOf({ hello, stats }) {
  return facts([
    ["Streams behind", count(stats.behind)],
    ["Gaps told", count(stats.gaps)],
    ["Published", counted(stats.published, "event")],
    ["Delivered", `${counted(stats.deliveries, "time")}, ${bytes(stats.deliveredBytes)}`],
    ["Memory", bytes(stats.memoryBytes)],
    ["Store", stats.storeFailure ?? `${hello.store}, ok`],
    ["Threads", `${count(stats.workers)} for clients`],
    ["Started", `${duration(stats.uptimeSeconds)} ago`],
  ]);
}

function endingsOf({ endings, rejected, tokensRefused }) {
  const shown = [
    ...named(endings, (reason) => reason),
    ...named(rejected, (reason) => `got no stream: ${reason}`),
    ...named(tokensRefused, (code) => `token refused: ${code}`),
  ];
  return shown.length === 0 ? element("p", { class: "quiet" }, "None has.") : facts(shown);
}

function named(counts, name) {
  return Object.entries(counts).toSorted(([, one], [, other]) => other - one)
    .map(([key, number]) => [name(key), count(number)]);
}

function backup(server) {
  const file = field("File, in the folder of -backup-dir", { name: "file", required: true });
  const press = element("button", {}, "Back up");
  return element(
    "section",
    {},
    element("h3", {}, "Back up the store"),
    rightsNote(server, "steer", press),
    form([file, press], async (fields) => {
      const { file, bytes: size } = await post("/backup/", fields);
      return `Written: ${file}, ${bytes(size)}.`;
    }),
  );
}
