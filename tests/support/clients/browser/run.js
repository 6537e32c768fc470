// Runs one client on many streams, and posts a line of JSON for each event, and for each time that the
// client itself gave up, to where the page came from.
import { keepListening } from "./loop.mjs";

const WAIT_MS = 50;

const { client: name, streams } = await (await fetch("/streams.json")).json();
const client = await import(`/${name}.js`);

let lines = [];
let posted = Promise.resolve();

function print(line) {
  lines.push(JSON.stringify(line));
  if (lines.length > 1) return;
  posted = posted.then(() => {
    const body = lines.join("\n");
    lines = [];
    return fetch("/lines", { method: "POST", body });
  });
}

for (const { stream, url, token } of streams) {
  const onEvent = ({ id, type, data }) => print({ stream, id, type, data });
  const onEnd = (error) => print({ stream, state: "ended", why: String(error ?? "") });
  if (client.listen !== undefined) client.listen(url, token, onEvent, onEnd);
  else keepListening(client.listenOnce, url, token, onEvent, onEnd, WAIT_MS);
}
