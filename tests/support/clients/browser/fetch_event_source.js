import { fetchEventSource } from "@microsoft/fetch-event-source";

export function listen(url, token, onEvent, onEnd) {
  let lastId;
  fetchEventSource(url, {
    headers: { Authorization: `Bearer ${token}` },
    cache: "no-store",
    openWhenHidden: true,
    // The library keeps the id of an event that was cut off before its end.
    fetch: (input, init) => {
      delete init.headers["last-event-id"];
      if (lastId !== undefined) init.headers["last-event-id"] = lastId;
      return fetch(input, init);
    },
    onopen({ status }) {
      if (status === 401) throw Object.assign(new Error("refused"), { refused: true });
    },
    onmessage({ id, event, data }) {
      lastId = id || lastId;
      onEvent({ id, type: event || "message", data });
    },
    onclose() {
      throw new Error("ended: come back");
    },
    onerror(error) {
      if (error.refused) throw error;
    },
  }).catch(onEnd);
}
