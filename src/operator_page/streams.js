/** The streams, and those of one user. */
import { get, pathOf, post } from "./api.js";
import { button, confirmed, element, facts, link, sayWhatComes } from "./elements.js";
import { bytes, count, counted, delay, moment } from "./formats.js";
import { listTable } from "./list_table.js";
import { rightsNote } from "./rights.js";

const MOST_CHANNELS = 3;

/** The streams that fit some fields, such as a channel; with fields to search by if there are none. */
export function streamTable(fields) {
  const isAll = Object.keys(fields).length === 0;
  return listTable({
    label: "Streams",
    what: "stream",
    path: "/streams/",
    fields,
    sort: "-since",
    searches: isAll ? { user: "User, by the whole name", channel: "Channel, the same" } : {},
    keyOf: ({ worker, stream }) => `${worker} ${stream}`,
    columns: [
      {
        title: "User",
        sort: "user",
        show: ({ user }) => user === null ? "without a token" : link(user, "users", user),
      },
      { title: "Channels", show: channelsOf },
      { title: "Since", sort: "since", number: true, show: ({ since }) => moment(since) },
      { title: "From", sort: "address", show: fromOf },
      {
        title: "Unsent",
        sort: "unsentBytes",
        number: true,
        show: ({ unsentBytes }) => bytes(unsentBytes),
      },
      { title: "Behind", sort: "behindSeconds", number: true, show: behindOf },
    ],
  });
}

function channelsOf({ channels, channelCount }) {
  const shown = channels.slice(0, MOST_CHANNELS)
    .flatMap((name) => [link(name, "channels", name), " "]);
  if (channelCount > MOST_CHANNELS) shown.push(`and ${count(channelCount - MOST_CHANNELS)} more`);
  return element("span", {}, ...shown);
}

function fromOf({ address, proxy, userAgent }) {
  const way = proxy ? `${address} by way of ${proxy}` : address ?? "";
  return element("span", {}, way, " ", element("small", { class: "quiet" }, userAgent ?? ""));
}

/** Of a stream that gets history: how much older its position is than the newest event. */
function behindOf({ live, behindSeconds }) {
  return live ? "no" : delay(behindSeconds);
}

export function streams() {
  const table = streamTable({});
  return { title: "Streams", node: table.node, close: () => table.close() };
}

function factsOf({ channelCount, retainedEvents, store }) {
  return facts([
    ["Hears", counted(channelCount, "channel")],
    ["Retained", store ?? `${counted(retainedEvents, "event")} for this user alone`],
  ]);
}

export function user(server, name) {
  const table = streamTable({ user: name });
  const known = element("div");
  const look = async () => {
    try {
      known.replaceChildren(factsOf(await get(pathOf("users", name))));
    } catch (error) {
      known.replaceChildren(element("p", { class: "bad" }, error.message));
    }
  };
  look();
  const output = element("output");
  const steer = (text, question, explanation, act, isDanger = true) =>
    button(text, () =>
      sayWhatComes(output, async () => {
        if (!await confirmed(question, explanation, text)) return "Nothing was done.";
        const done = await act();
        table.refresh();
        look();
        return done;
      }), isDanger ? { class: "danger" } : {});
  const buttons = [
    steer(
      "Disconnect",
      `Disconnect ${name}?`,
      "The open streams of this user end. Their clients come back at once, if their tokens are still good.",
      async () => {
        const { streamsEnded } = await post("/disconnect/", { userId: name });
        return `Disconnected: ${counted(streamsEnded, "stream")} of this server.`;
      },
      false,
    ),
    steer(
      "Revoke tokens",
      `Revoke the tokens of ${name}?`,
      "The open streams of this user end, and every token that was made before now is refused. " +
        "A token that is made later works at once.",
      async () => {
        const { streamsEnded, refusedUntil } = await post("/revoke/", { userId: name });
        return `Revoked: ${counted(streamsEnded, "stream")} ended, and tokens made up to now are ` +
          `refused until ${moment(refusedUntil)}, when the last of them has expired.`;
      },
    ),
    steer(
      "Remove history",
      `Remove the history of ${name}?`,
      "All events that are retained for this user alone are removed for good, on every channel.",
      async () => {
        const { removed } = await post(pathOf("users", name, "history"), {}, "DELETE");
        return `Removed: ${counted(removed, "event")}.`;
      },
    ),
  ];
  const query = new URLSearchParams({ userId: name });
  return {
    title: `User ${name}`,
    part: "streams",
    node: element(
      "div",
      {},
      known,
      element("h3", {}, "Streams"),
      table.node,
      element("h3", {}, "Step in"),
      element("div", { class: "buttons" }, ...buttons),
      rightsNote(server, "steer", ...buttons),
      output,
      element(
        "p",
        { class: "buttons" },
        element("a", { href: `#send?${query}` }, "Emit to this user, or make a token"),
        element("a", { href: `#explain?${query}` }, "Explain an event"),
      ),
    ),
    close: () => table.close(),
  };
}
