export function listen(url, token, onEvent, onEnd) {
  const source = new EventSourcePolyfill(url, { headers: { Authorization: `Bearer ${token}` } });
  const handle = ({ type, data, lastEventId }) => onEvent({ id: lastEventId, type, data });
  source.addEventListener("message", handle);
  source.addEventListener("gap", handle);
  source.addEventListener("error", ({ status }) => {
    if (source.readyState === EventSource.CLOSED) onEnd(status);
  });
}
