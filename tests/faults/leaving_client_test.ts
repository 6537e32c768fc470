/** Clients leave whenever they like, also in the very turn in which the server ends their streams. */
import { Subscriber } from "../../src/hub/subscriber.ts";
import { assert } from "../support/assert.ts";

const CLIENTS = 10;
const TURNS = 8;
const ENCODER = new TextEncoder();
const EVENT = ENCODER.encode("data: an event\n\n".repeat(100));
const LAST = ENCODER.encode("retry: 1000\n: draining\n\n");

Deno.test("a stream can be ended in the turn in which the runtime finds that its client has left", async () => {
  const subscribers: Subscriber[] = [];
  let left = 0;
  await using server = Deno.serve(
    { hostname: "127.0.0.1", port: 0, onListen: () => {} },
    (_request, info) => {
      info.completed.catch(() => {});
      const subscriber = new Subscriber(
        { user: "alex", channels: ["chat"], expiresAt: undefined },
        { head: 0 },
        {
          isEventSource: true,
          greeting: ENCODER.encode(": connected\n\n"),
          maxBufferBytes: 1_000_000,
          nowMs: 0,
          wallMs: 0,
          id: "s-1",
          source: {
            catchUp: () => {},
            fellBehind: () => {},
            caughtUp: () => {},
            left: () => left++,
          },
        },
      );
      subscribers.push(subscriber);
      return new Response(subscriber.body as ReadableStream<Uint8Array<ArrayBuffer>>);
    },
  );
  // Which turn it is depends on the machine: each of the first few is tried.
  for (let turns = 0; turns < TURNS; turns++) {
    const clients = await Promise.all(Array.from({ length: CLIENTS }, () => connect(server.addr)));
    // What lies unread when a client closes makes the close a reset, which the next write meets.
    for (const subscriber of subscribers) subscriber.deliver(EVENT, 1, 1);
    await new Promise((resolve) => setTimeout(resolve, 0));
    for (const client of clients) client.close();
    for (let turn = 0; turn <= turns; turn++) {
      if (turn > 0) await new Promise((resolve) => setImmediate(resolve));
      if (turn < turns) { for (const subscriber of subscribers) subscriber.deliver(EVENT, 1, 1); }
    }
    for (const subscriber of subscribers.splice(0)) {
      subscriber.end(LAST);
      assert(subscriber.isEnded);
    }
  }
  assert(left > 0, "no client was found to have left: the test is too gentle");
});

/** Opens a stream and waits for its first bytes. */
async function connect({ hostname, port }: Deno.NetAddr): Promise<Deno.TcpConn> {
  const connection = await Deno.connect({ hostname, port });
  await connection.write(ENCODER.encode(`GET / HTTP/1.1\r\nHost: ${hostname}:${port}\r\n\r\n`));
  const buffer = new Uint8Array(4096);
  let text = "";
  while (!text.includes(": connected")) {
    const count = await connection.read(buffer);
    assert(count !== null, "the server ended the connection");
    text += new TextDecoder().decode(buffer.subarray(0, count));
  }
  return connection;
}
