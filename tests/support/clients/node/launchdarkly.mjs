import { EventSource } from "launchdarkly-eventsource";

export function listen(url, token, onEvent, onEnd) {
  const source = new EventSource(url, {
    headers: { Authorization: `Bearer ${token}` },
    rejectUnauthorized: true,
  });
  const handle = ({ type, data, lastEventId }) => onEvent({ id: lastEventId, type, data });
  source.addEventListener("message", handle);
  source.addEventListener("gap", handle);
  // Without a listener for it, an error ends the process.
  source.addEventListener("error", () => {});
  source.addEventListener("closed", onEnd);
}
