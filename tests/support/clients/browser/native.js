export function listenOnce(url, token, lastId, onEvent) {
  return new Promise((_, reject) => {
    const address = new URL(url, location.href);
    address.searchParams.set("token", token);
    if (lastId !== undefined) address.searchParams.set("lastEventId", lastId);
    const source = new EventSource(address);
    const handle = ({ type, data, lastEventId }) => onEvent({ id: lastEventId, type, data });
    source.addEventListener("message", handle);
    source.addEventListener("gap", handle);
    source.onerror = () => {
      if (source.readyState === EventSource.CLOSED) reject(new Error("closed"));
    };
  });
}
