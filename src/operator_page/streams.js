/** The streams, and those of one user. */
import { pathOf, post } from "./api.js";
import { button, confirmed, element, link, sayWhatComes } from "./elements.js";
import { bytes, count, moment } from "./formats.js";
import { listTable } from "./list_table.js";
import { rightsNote } from "./rights.js";

const MOST_CHANNELS = 3;

/** The streams that fit some fields, such as a channel. */
export function streamTable(
  fields,
  { searched = false, path = "/streams/", userless = false } = {},
) {
  return listTable({
    label: "Streams",
    what: "streams",
    path,
    fields,
    sort: "-since",
    search: searched ? "Search streams" : undefined,
    keyOf: ({ id }) => id,
    columns: [
      ...(userless ? [] : [{
        title: "User",
        sort: "userId",
        show: ({ userId }) => userId ? link(userId, "users", userId) : "public",
      }]),
      { title: "Channels", show: ({ channels }) => channelLinks(channels) },
      { title: "Since", sort: "since", number: true, show: ({ since }) => moment(since) },
      { title: "From", less: true, show: fromOf },
      {
        title: "Unsent",
        sort: "unsentBytes",
        number: true,
        show: ({ unsentBytes }) => bytes(unsentBytes),
      },
      { title: "Behind", sort: "behind", number: true, less: true, show: behindOf },
    ],
  });
}

function channelLinks(channels) {
  const shown = channels.slice(0, MOST_CHANNELS).flatMap((name) => [
    link(name, "channels", name),
    " ",
  ]);
  if (channels.length > MOST_CHANNELS) {
    shown.push(`and ${count(channels.length - MOST_CHANNELS)} more`);
  }
  return element("span", {}, ...shown);
}

function fromOf({ address, proxy, userAgent }) {
  const way = proxy ? `${address} by way of ${proxy}` : address ?? "";
  return element("span", {}, way, " ", element("small", { class: "quiet" }, userAgent ?? ""));
}

function behindOf(stream) {
  return stream.behind ? count(stream.behind) : "no";
}

export function streams() {
  const table = streamTable({}, { searched: true });
  return { title: "Streams", node: table.node, close: () => table.close() };
}

export function user(server, name) {
  const table = streamTable({}, { path: pathOf("users", name), userless: true });
  const output = element("output");
  const steer = (text, question, explanation, act, isDanger = true) =>
    button(text, () =>
      sayWhatComes(output, async () => {
        if (!await confirmed(question, explanation, text)) return "Nothing was done.";
        const done = await act();
        table.refresh();
        return done;
      }), isDanger ? { class: "danger" } : {});
  const buttons = [
    steer(
      "Disconnect",
      `Disconnect ${name}?`,
      "The open streams of this user end. Their clients come back at once, if their tokens are still good.",
      async () => {
        const { streamsEnded } = await post("/disconnect/", { userId: name });
        return `Disconnected: ${count(streamsEnded)} streams of this server.`;
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
        return `Revoked: ${
          count(streamsEnded)
        } streams have ended, and tokens made up to now are ` +
          `refused until ${moment(refusedUntil)}, when the last of them has expired.`;
      },
    ),
    steer(
      "Remove history",
      `Remove the history of ${name}?`,
      "All events that are retained for this user alone are removed for good, on every channel.",
      async () => {
        const { events } = await post(pathOf("users", name, "history"), {}, "DELETE");
        return `Removed: ${count(events)} events.`;
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
