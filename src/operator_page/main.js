/** Follows the server's stats, asks for a key where one is needed, and shows the part that the address names. */
import { follow, forgetKey, hasKey, useKey, whenKeyRefused } from "./api.js";
import { channel, channels } from "./channels.js";
import { element, field, form } from "./elements.js";
import { explain } from "./explain.js";
import { duration } from "./formats.js";
import { overview } from "./overview.js";
import { send } from "./send.js";
import { streams, user } from "./streams.js";

const MOST_SAMPLES = 300;

const PARTS = {
  overview,
  channels: (server, _given, name) => name ? channel(server, name) : channels(server),
  streams,
  users: (server, _given, name) => user(server, name),
  send,
  explain,
};

const main = document.querySelector("main");
const nav = document.querySelector("nav");
const state = document.querySelector("#state");
const forget = document.querySelector("#forget");

/** What is known of the server. */
const server = {
  hello: undefined,
  /** Each with `at`, its time in milliseconds. */
  samples: [],
  stats: undefined,
  watchers: new Set(),
  /** Calls after each look at the server; the returned function ends that. */
  watch(watcher) {
    this.watchers.add(watcher);
    return () => this.watchers.delete(watcher);
  },
};

let shown;
let stopFollowing;

function showState(name, text) {
  state.className = name;
  if (state.textContent !== text) state.textContent = text;
}

function start() {
  stopFollowing?.();
  stopFollowing = follow("/stats/", {
    state: (name, text) => {
      showState(name, text);
      if (name === "refused") askForKey(text);
    },
    event: (type, data) => {
      if (type === "hello") greet(data);
      if (type === "samples") server.samples = data.samples.map(timed);
      if (type === "stats") takeStats(data);
    },
  });
}

function timed(sample) {
  return { ...sample, at: Date.parse(sample.time) };
}

function greet(hello) {
  const isFirst = server.hello === undefined;
  server.hello = hello;
  nav.hidden = false;
  forget.hidden = !hasKey();
  if (isFirst) show({ moveFocus: false });
}

function takeStats(stats) {
  server.stats = stats;
  server.samples.push(timed(stats));
  if (server.samples.length > MOST_SAMPLES) server.samples.shift();
  showState("live", "Live");
  const { version, key } = server.hello;
  document.querySelector("#about").textContent = `Version ${version}, up for ${
    duration(stats.uptimeSeconds)
  }${key ? `, key ${key}` : ""}`;
  for (const watcher of server.watchers) watcher();
}

/** Shows the part that the address names. */
function show({ moveFocus = true } = {}) {
  if (server.hello === undefined) return;
  const [path, query] = location.hash.slice(1).split("?");
  const [part, name] = path.split("/").map(decode);
  const known = Object.hasOwn(PARTS, part) && (part !== "users" || name) ? part : "overview";
  shown?.close();
  shown = PARTS[known](server, new URLSearchParams(query), name);
  const heading = element("h2", { tabindex: "-1" }, shown.title);
  main.replaceChildren(heading, shown.node);
  document.title = `${shown.title} – Simple SSE Server`;
  for (const one of nav.querySelectorAll("a")) {
    const isCurrent = one.hash === `#${shown.part ?? known}`;
    if (isCurrent) one.setAttribute("aria-current", "page");
    else one.removeAttribute("aria-current");
  }
  // Whoever uses a keyboard, or a screen reader, goes on where the new part begins.
  if (moveFocus) heading.focus();
}

function decode(segment) {
  try {
    return decodeURIComponent(segment);
  } catch {
    return "";
  }
}

/** @param {string} [why] why the key that was given is of no use. */
function askForKey(why) {
  stopFollowing?.();
  shown?.close();
  shown = undefined;
  server.hello = server.stats = undefined;
  server.samples = [];
  nav.hidden = forget.hidden = true;
  document.querySelector("#about").textContent = "";
  const input = field("Control key", { name: "key", type: "password", required: true });
  const made = form([input, element("button", {}, "Open")], ({ key }) => {
    useKey(key);
    start();
    return "Asking the server…";
  });
  const explanation = "The key needs the right read. It is kept until you close this tab.";
  main.replaceChildren(
    element("h2", {}, "This server asks for a control key"),
    ...(why === undefined ? [] : [element("p", { class: "bad", role: "alert" }, why)]),
    element("p", { class: "quiet" }, explanation),
    made,
  );
  forgetKey();
  document.title = "Simple SSE Server";
  input.querySelector("input").focus();
}

whenKeyRefused((why) => {
  showState("refused", "Not open");
  askForKey(hasKey() ? why : undefined);
});
forget.addEventListener("click", () => {
  forgetKey();
  location.reload();
});
addEventListener("hashchange", () => show());
start();
