// Runs one client on many streams: `node run.mjs CLIENT`, with the streams as JSON on standard input. Prints
// a line of JSON for each event, and for each time that the client itself gave up.
import process from "node:process";
import { text } from "node:stream/consumers";
import { keepListening } from "./loop.mjs";

const WAIT_MS = 50;

const client = await import(`./${process.argv[2]}.mjs`);
const streams = JSON.parse(await text(process.stdin));
const print = (line) => process.stdout.write(`${JSON.stringify(line)}\n`);

// Some clients let the process end while they wait to come back.
setInterval(() => {}, 60_000);

for (const { stream, url, token } of streams) {
  const onEvent = ({ id, type, data }) => print({ stream, id, type, data });
  const onEnd = (error) => print({ stream, state: "ended", why: String(error ?? "") });
  if (client.listen !== undefined) client.listen(url, token, onEvent, onEnd);
  else keepListening(client.listenOnce, url, token, onEvent, onEnd, WAIT_MS);
}
