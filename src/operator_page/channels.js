/** The channels, and one of them. */
import { get, pathOf, post } from "./api.js";
import { button, confirmed, element, facts, link, sayWhatComes } from "./elements.js";
import { bytes, count, counted, rate } from "./formats.js";
import { listTable } from "./list_table.js";
import { rightsNote } from "./rights.js";
import { streamTable } from "./streams.js";
import { tail } from "./tail.js";

const REFRESH_MS = 5000;

/** More users than a person reads. */
const MOST_USERS = 200;

export function channels() {
  const table = listTable({
    label: "Channels",
    what: "channel",
    path: "/channels/",
    searches: { search: "Search channels" },
    sort: "-subscribers",
    keyOf: ({ name }) => name,
    columns: [
      {
        title: "Channel",
        sort: "name",
        show: ({ name }) => link(name, "channels", name),
      },
      {
        title: "Subscribers",
        sort: "subscribers",
        number: true,
        show: ({ subscribers }) => count(subscribers),
      },
      {
        title: "Events/min",
        sort: "eventsPerMinute",
        number: true,
        show: ({ eventsPerMinute }) => rate(eventsPerMinute),
      },
      {
        title: "Retained",
        sort: "events",
        number: true,
        show: ({ events }) => count(events),
      },
      {
        title: "Bytes",
        sort: "bytes",
        number: true,
        show: (item) => bytes(item.bytes),
      },
    ],
  });
  return { title: "Channels", node: table.node, close: () => table.close() };
}

export function channel(server, name) {
  const state = element("p", { class: "quiet" }, "…");
  const here = element("div");
  const users = element("div");
  let timer;
  let isClosed = false;
  const refresh = async () => {
    clearTimeout(timer);
    try {
      if (!document.hidden) {
        const [known, present] = await Promise.all([
          get(pathOf("channels", name)),
          get("/presence/", { channel: name, limit: MOST_USERS }).catch((error) => error),
        ]);
        if (isClosed) return;
        here.replaceChildren(factsOf(known));
        showUsers(users, present);
        state.hidden = true;
      }
    } catch (error) {
      if (isClosed) return;
      state.hidden = false;
      state.textContent = error.message;
    }
    if (!isClosed) timer = setTimeout(refresh, REFRESH_MS);
  };
  const output = element("output");
  const remove = button("Remove history", () =>
    sayWhatComes(output, async () => {
      const sure = await confirmed(
        `Remove the history of ${name}?`,
        "All events that are retained for this channel are removed for good, for every user. " +
          "Clients that come back from before them are told of a gap.",
        "Remove history",
      );
      if (!sure) return "Nothing was removed.";
      const { removed } = await post(pathOf("channels", name, "history"), {}, "DELETE");
      refresh();
      return `Removed: ${counted(removed, "event")}.`;
    }), { class: "danger" });
  const streams = streamTable({ channel: name });
  const events = tail(name, server);
  const query = new URLSearchParams({ channel: name });
  const node = element(
    "div",
    {},
    state,
    here,
    element(
      "p",
      { class: "buttons" },
      element("a", { href: `#send?${query}` }, "Emit to this channel"),
      element("a", { href: `#explain?${query}` }, "Explain an event"),
      remove,
    ),
    rightsNote(server, "steer", remove),
    output,
    events.node,
    element("section", {}, element("h3", {}, "Users here"), users),
    element("section", {}, element("h3", {}, "Streams"), streams.node),
  );
  refresh();
  return {
    title: `Channel ${name}`,
    part: "channels",
    node,
    close() {
      isClosed = true;
      clearTimeout(timer);
      events.close();
      streams.close();
    },
  };
}

function factsOf(known) {
  const { subscribers, events, eventsPerMinute, firstId, lastId, store } = known;
  return facts([
    ["Subscribers", count(subscribers)],
    ["Events a minute", rate(eventsPerMinute)],
    ["Retained", store ?? `${counted(events, "event")}, ${bytes(known.bytes)}`],
    ["Oldest id", firstId],
    ["Newest id", lastId],
  ]);
}

/** The users of a channel over all servers; each again only if somebody came or left. */
function showUsers(place, present) {
  if (present instanceof Error) return place.replaceChildren(present.message);
  const { items, total } = present;
  const names = items.map(({ user }) => user);
  if (place.dataset.shown === JSON.stringify([total, names])) return;
  place.dataset.shown = JSON.stringify([total, names]);
  if (total === 0) return place.replaceChildren(element("p", { class: "quiet" }, "Nobody."));
  const links = names.map((name) => element("li", {}, link(name, "users", name)));
  place.replaceChildren(element("ul", { class: "users" }, ...links));
  if (total > names.length) {
    place.append(element("p", { class: "quiet" }, `and ${count(total - names.length)} more`));
  }
}
