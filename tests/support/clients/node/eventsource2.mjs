import EventSource from "eventsource";

export function listenOnce(url, token, lastId, onEvent) {
  return new Promise((_, reject) => {
    const headers = { Authorization: `Bearer ${token}` };
    if (lastId !== undefined) headers["Last-Event-ID"] = lastId;
    const source = new EventSource(url, { headers, rejectUnauthorized: true });
    const handle = ({ type, data, lastEventId }) => onEvent({ id: lastEventId, type, data });
    source.addEventListener("message", handle);
    source.addEventListener("gap", handle);
    source.onerror = (error) => {
      source.close();
      reject(error);
    };
  });
}
