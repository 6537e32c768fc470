/**
 * The clients of the table in docs/clients.md.
 *
 * @module
 */
import type { ToolName } from "../tools.ts";
import {
  inChromium,
  inFirefox,
  inGo,
  inNode,
  inNodeWithOldPackages,
  inPhp,
  inPython,
  inShell,
  type StartClient,
} from "./drivers.ts";

/** One row. */
export interface ListedClient {
  readonly name: string;
  readonly tools: readonly [ToolName, ...ToolName[]];
  readonly start: StartClient;
  /** Which of the page's headings has its code. */
  readonly section: string;
  /** What must be set for it, in a few words. */
  readonly set: string;
}

/** Every row, in the table's order. */
export const CLIENTS: readonly ListedClient[] = [
  {
    name: "client.js of this server",
    tools: ["chromium", "npm"],
    start: inChromium("client_js"),
    section: "clientjs",
    set: "nothing",
  },
  {
    name: "EventSource in Chromium",
    tools: ["chromium", "npm"],
    start: inChromium("native"),
    section: "eventsource-of-browsers",
    set: "a new EventSource when `readyState` is 2",
  },
  {
    name: "EventSource in Firefox",
    tools: ["firefox", "npm"],
    start: inFirefox("native"),
    section: "eventsource-of-browsers",
    set: "a first id; a new EventSource when `readyState` is 2",
  },
  {
    name: "event-source-polyfill 1.0.31",
    tools: ["chromium", "npm"],
    start: inChromium("polyfill"),
    section: "event-source-polyfill",
    set: "a first id",
  },
  {
    name: "@microsoft/fetch-event-source 2.0.1",
    tools: ["chromium", "npm"],
    start: inChromium("fetch_event_source"),
    section: "microsoftfetch-event-source",
    set:
      "a first id; `cache`, `openWhenHidden`; the last id kept by the page; `onopen` and `onclose` that throw",
  },
  {
    name: "sse.js 2.8.0",
    tools: ["chromium", "npm"],
    start: inChromium("sse"),
    section: "ssejs",
    set: "a first id; `autoReconnect`, until status 401",
  },
  {
    name: "eventsource 4.1.0",
    tools: ["node", "npm"],
    start: inNode("eventsource4"),
    section: "eventsource-4",
    set: "a first id; the header through `fetch`",
  },
  {
    name: "eventsource 2.0.2",
    tools: ["node", "npm"],
    start: inNodeWithOldPackages("eventsource2"),
    section: "eventsource-2",
    set: "a first id; a new EventSource after each error; `rejectUnauthorized`",
  },
  {
    name: "launchdarkly-eventsource 2.2.0",
    tools: ["node", "npm"],
    start: inNode("launchdarkly"),
    section: "launchdarkly-eventsource",
    set: "a first id; a listener for `error`; `rejectUnauthorized`",
  },
  {
    name: "EventSource of undici 7.16.0",
    tools: ["node", "npm"],
    start: inNode("undici"),
    section: "undici",
    set: "nothing",
  },
  {
    name: "@azure/core-sse 2.4.0",
    tools: ["node", "npm"],
    start: inNode("core_sse"),
    section: "azurecore-sse",
    set: "a first id; a loop",
  },
  {
    name: "httpx-sse 0.4.3",
    tools: ["venv"],
    start: inPython("httpx_sse_client"),
    section: "httpx-sse",
    set: "a first id; a loop; a longer timeout",
  },
  {
    name: "sseclient-py 1.9.0",
    tools: ["venv"],
    start: inPython("sseclient_py_client"),
    section: "sseclient-py",
    set: "a first id; a loop; a timeout",
  },
  {
    name: "aiohttp-sse-client 0.2.1",
    tools: ["venv"],
    start: inPython("aiohttp_sse_client_client"),
    section: "aiohttp-sse-client",
    set: "a first id; a loop with a new EventSource; timeouts",
  },
  {
    name: "r3labs/sse 2.10.0",
    tools: ["go"],
    start: inGo,
    section: "r3labssse",
    set: "a first id; a loop; the last id kept by the program",
  },
  { name: "PHP's curl", tools: ["php"], start: inPhp, section: "php", set: "a first id; a loop" },
  { name: "curl", tools: ["curl"], start: inShell, section: "curl", set: "a first id; a loop" },
];
