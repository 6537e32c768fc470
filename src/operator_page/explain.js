/** Why a user did or did not get an event. */
import { get } from "./api.js";
import { element, field, form } from "./elements.js";

export function explain(_server, given) {
  const answer = element("div");
  const value = (name) => given.get(name) ?? undefined;
  const fields = [
    field("User", { name: "userId", required: true, value: value("userId") }),
    field("Channel", { name: "channel", required: true, value: value("channel") }),
    field("Event id", { name: "id", value: value("id") }),
    field("Or since when", { name: "since", placeholder: "15m" }),
    element("button", {}, "Explain"),
  ];
  const made = form(fields, async (asked) => {
    answer.replaceChildren();
    const { text, ...rest } = await get("/explain/", asked);
    answer.replaceChildren(element("p", { class: "answer" }, text), detailsOf(rest));
  });
  return {
    title: "Explain",
    node: element(
      "div",
      {},
      element(
        "p",
        { class: "quiet" },
        "Why a user did or did not get an event. Without an id and a time: what is so now.",
      ),
      made,
      answer,
    ),
    close() {},
  };
}

function detailsOf(rest) {
  return element(
    "details",
    {},
    element("summary", {}, "As the program has it"),
    element("pre", { tabindex: "0" }, JSON.stringify(rest, null, 2)),
  );
}
