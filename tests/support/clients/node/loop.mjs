export async function keepListening(listenOnce, url, token, onEvent, onEnd, waitMs = 1000) {
  let lastId;
  const keep = (event) => {
    lastId = event.id;
    onEvent(event);
  };
  while (true) {
    let refused = false;
    try {
      await listenOnce(url, token, lastId, keep);
      onEnd("a clean end");
    } catch (error) {
      refused = error.status === 401;
      onEnd(error);
    }
    if (refused) return; // The token has expired: get another one.
    await new Promise((resolve) => setTimeout(resolve, waitMs * (1 + 2 * Math.random())));
  }
}
