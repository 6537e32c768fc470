/** Emitting a test event, and making a token. */
import { post } from "./api.js";
import { button, element, field, form } from "./elements.js";
import { counted } from "./formats.js";
import { rightsNote } from "./rights.js";

export function send(server, given) {
  return {
    title: "Send",
    node: element(
      "div",
      { class: "columns" },
      element("section", {}, element("h3", {}, "Emit an event"), ...emitForm(server, given)),
      element("section", {}, element("h3", {}, "Make a token"), ...tokenForm(server, given)),
    ),
    close() {},
  };
}

function emitForm(server, given) {
  const press = element("button", {}, "Emit");
  const fields = [
    field("User, or * for everyone", {
      name: "userId",
      required: true,
      value: given.get("userId") ?? "*",
    }),
    field("Channel", { name: "channel", required: true, value: given.get("channel") ?? undefined }),
    field("Type", { name: "event", placeholder: "message" }),
    field("Data", { name: "data", wide: true, rows: 3 }, "textarea"),
  ];
  return [
    rightsNote(server, "emit", press),
    form([...fields, press], async ({ data, event, ...rest }, output) => {
      // Empty data is an event too.
      const { id, subscribers, note } = await post("/emit/", {
        ...rest,
        event,
        ...(data === ""
          ? { payload: `${event === "" ? "" : `event: ${event}\n`}data:`, event: "" }
          : {
            data,
          }),
      });
      output.title = id;
      return `${
        note ?? `Handed to ${counted(subscribers, "stream")} of this server.`
      } Its id is ${id}.`;
    }),
  ];
}

function tokenForm({ hello }, given) {
  const press = element("button", {}, "Make a token");
  const lines = element("div");
  const fields = [
    field("User", { name: "userId", required: true, value: given.get("userId") ?? undefined }),
    field("Channels, with spaces between them", {
      name: "channel",
      required: true,
      value: given.get("channel") ?? undefined,
    }),
    field("Seconds until it expires", {
      name: "exp",
      type: "number",
      min: 1,
      required: true,
      value: "3600",
    }),
    field("Address of the client listener", {
      name: "address",
      type: "url",
      required: true,
      wide: true,
      value: addressOf(hello),
    }),
  ];
  return [
    rightsNote({ hello }, "token", press),
    form([...fields, press], async ({ address, channel, ...rest }) => {
      const channels = channel.split(/\s+/).filter((name) => name !== "");
      const { token } = await post("/token/", { ...rest, channel: channels });
      lines.replaceChildren(...linesToPaste(address.replace(/\/+$/, ""), token));
      return "Made. Whoever has the token may listen until it expires.";
    }),
    lines,
  ];
}

/** Where clients reach the server, as far as it can be told from here: a proxy may have another name for it. */
function addressOf({ clientOrigin }) {
  const anyHost = /(\[::\]|0\.0\.0\.0):/;
  return clientOrigin.replace(anyHost, `${location.hostname}:`);
}

function linesToPaste(address, token) {
  const url = `${address}/events/`;
  return [
    ...pasted("Listen with curl", `curl -N -H 'Authorization: Bearer ${token}' ${url}`),
    ...pasted("Listen in a page", `const events = new EventSource("${url}?token=${token}");`),
    ...pasted("The token", token),
  ];
}

function pasted(title, code) {
  const shown = element("pre", { tabindex: "0", "aria-label": title }, code);
  const copy = button("Copy", async () => {
    try {
      await navigator.clipboard.writeText(code);
      copy.textContent = "Copied";
    } catch {
      // Browsers let a page write to the clipboard only on HTTPS and on this machine.
      getSelection().selectAllChildren(shown);
      copy.textContent = "Selected";
    }
  }, { "aria-label": `Copy: ${title}` });
  return [element("p", { class: "buttons" }, element("strong", {}, title), copy), shown];
}
