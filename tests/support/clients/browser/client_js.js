import { connect } from "/client.js";

export function listen(url, token, onEvent, onEnd) {
  const stream = connect(url, {
    token,
    state(_, reason) {
      // A function that gets another token would make this needless.
      if (!reason?.startsWith("401")) return;
      stream.close();
      onEnd(reason);
    },
  });
  for (const type of ["message", "gap"]) {
    stream.on(type, (data, { lastEventId }) => onEvent({ id: lastEventId, type, data }));
  }
}
