import { EventSource } from "eventsource";

export function listen(url, token, onEvent, onEnd) {
  const source = new EventSource(url, {
    fetch: (input, init) =>
      fetch(input, { ...init, headers: { ...init.headers, Authorization: `Bearer ${token}` } }),
  });
  const handle = ({ type, data, lastEventId }) => onEvent({ id: lastEventId, type, data });
  source.addEventListener("message", handle);
  source.addEventListener("gap", handle);
  source.addEventListener("error", (error) => {
    if (source.readyState === source.CLOSED) onEnd(error.code);
  });
}
