/** The events of a channel, as they are published. */
import { follow, pathOf } from "./api.js";
import { button, element, link } from "./elements.js";
import { bytes, counted, timeOfDay } from "./formats.js";

const MOST_SHOWN = 200;

/** Begins when it is asked to: payloads are not for everybody who looks over a shoulder. */
export function tail(channel, { hello }) {
  const list = element("ol", {
    class: "events",
    role: "log",
    "aria-label": `Events of ${channel}`,
    tabindex: "0",
  });
  list.hidden = true;
  const state = element("p", { class: "quiet", role: "status" });
  let stop;
  let frame;
  let waiting = [];
  const press = button("Show events as they are published", () => {
    if (stop === undefined) start();
    else end("Stopped.");
  });

  function start() {
    press.textContent = "Stop showing events";
    list.hidden = false;
    stop = follow(pathOf("channels", channel, "events"), {
      event: (type, data) => {
        waiting.push(rowOf(type, data, channel));
        if (waiting.length > MOST_SHOWN) waiting.shift();
        frame ??= requestAnimationFrame(show);
      },
      state: (name, text) => {
        state.textContent = name === "live" ? "Waiting for events." : text;
        if (name === "refused") end(text);
      },
    });
  }

  function end(text) {
    stop?.();
    stop = undefined;
    press.textContent = "Show events as they are published";
    state.textContent = text;
  }

  /** Once in a frame, however many events have come. */
  function show() {
    frame = undefined;
    list.prepend(...waiting.toReversed());
    waiting = [];
    while (list.children.length > MOST_SHOWN) list.lastChild.remove();
    state.textContent = "The newest first.";
  }

  const hidden = hello.peek ? "" : " The server shows no payloads (-no-peek).";
  return {
    node: element(
      "section",
      {},
      element("h3", {}, "Events"),
      element("p", { class: "quiet" }, `Of every user, from now on.${hidden}`),
      element("div", { class: "buttons" }, press, state),
      list,
    ),
    close() {
      stop?.();
      cancelAnimationFrame(frame);
    },
  };
}

function rowOf(type, data, channel) {
  if (type === "skipped") {
    return element(
      "li",
      { class: "note" },
      `${counted(data.events, "more event")} not shown.`,
    );
  }
  if (type === "missing") {
    return element(
      "li",
      { class: "note" },
      "Events may be missing here: the store was away, or its log was replaced.",
    );
  }
  const { id, payloadId, time, user, type: name, sizeBytes, payload, isCut } = data;
  // An event for everyone is explained for somebody.
  const explain = new URLSearchParams({ channel, id, ...(user !== "*" && { userId: user }) });
  const row = element(
    "li",
    {},
    element(
      "p",
      {},
      element("span", {}, timeOfDay(time)),
      element("span", {}, "for ", user === "*" ? "everyone" : link(user, "users", user)),
      element("span", {}, `type ${name}`),
      element("span", {}, bytes(sizeBytes)),
      element("span", {}, `id ${payloadId ?? id}`),
      element("a", { href: `#explain?${explain}` }, "Explain"),
    ),
  );
  if (payload !== undefined) row.append(element("pre", {}, isCut ? `${payload}…` : payload));
  return row;
}
