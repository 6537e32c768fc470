import { EventSource } from "undici";

export function listen(url, token, onEvent, onEnd) {
  const address = new URL(url);
  address.searchParams.set("token", token);
  const source = new EventSource(address.href);
  const handle = ({ type, data, lastEventId }) => onEvent({ id: lastEventId, type, data });
  source.addEventListener("message", handle);
  source.addEventListener("gap", handle);
  source.addEventListener("error", () => {
    if (source.readyState === EventSource.CLOSED) onEnd();
  });
}
