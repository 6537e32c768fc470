// A server for the benchmark, as better-sse's own guide builds one: a session for each stream, a
// channel for each name, and `broadcast`. Run by Node: `node better_sse_server.mjs MODULE PORT`.
import { createServer } from "node:http";
import { text } from "node:stream/consumers";
import process from "node:process";

const BACKLOG = 4096;
const [modulePath, port] = process.argv.slice(2);
const { createChannel, createSession } = await import(modulePath);

const channels = new Map();

function channelNamed(name) {
  let channel = channels.get(name);
  if (channel === undefined) channels.set(name, channel = createChannel());
  return channel;
}

async function answer(request, response) {
  const [, action, name] = request.url.split("/");
  if (request.method === "POST" && action === "pub") {
    channelNamed(name).broadcast(await text(request));
    response.end("OK");
  } else if (action === "sub") {
    // The data is text already: JSON would only cost it time.
    const session = await createSession(request, response, { serializer: String });
    channelNamed(name).register(session);
  } else {
    response.writeHead(404).end();
  }
}

createServer(answer).listen({ port: Number(port), host: "127.0.0.1", backlog: BACKLOG });
