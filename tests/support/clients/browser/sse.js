import { SSE } from "sse.js";

export function listen(url, token, onEvent, onEnd) {
  const source = new SSE(url, {
    headers: { Authorization: `Bearer ${token}` },
    autoReconnect: true,
  });
  const handle = ({ type, data, lastEventId }) => onEvent({ id: lastEventId, type, data });
  source.addEventListener("message", handle);
  source.addEventListener("gap", handle);
  source.addEventListener("error", ({ responseCode }) => {
    if (responseCode !== 401) return;
    source.autoReconnect = false;
    onEnd(responseCode);
  });
}
