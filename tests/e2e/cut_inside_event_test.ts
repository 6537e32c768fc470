/**
 * A connection that breaks inside an event, at every byte of it: clients come back with the id that they
 * hold, and get everything once and in order.
 *
 * Some clients keep an id as soon as they have read its line, against the standard, which has it take effect
 * with the blank line. Between these two there is one byte at which no server can help them: they hold the id
 * of an event that they throw away. That is the last byte here, and these tests say so.
 */
import { createParser } from "npm:eventsource-parser@4.1.3";
import EventSource2 from "npm:eventsource@2.0.2";
import { assertEquals } from "../support/assert.ts";
import { Cutter } from "../support/cutter.ts";
import { type Server, startServer } from "../support/server.ts";
import { waitFor } from "../support/wait.ts";

/** What a client got: the data of each event, and the type where it is not `message`. */
type Received = string[];

/** Reads one stream. */
type Parser = { feed(text: string): void };

/** Where a parser notes what it reads. */
interface Notes {
  id: string;
  readonly received: Received;
}

function note(event: string | undefined, data: string): string {
  return event === undefined ? data : `${event} ${data}`;
}

/** As the HTML Standard has it. */
function standardParser(notes: Notes): Parser {
  return createParser({
    onId: (id) => notes.id = id,
    onEvent: ({ event, data }) => notes.received.push(note(event, data)),
  });
}

/** Keeps an id as soon as its line has been read, as eventsource 2 and r3labs/sse do. */
function hastyParser(notes: Notes): Parser {
  let unread = "";
  let event: string | undefined;
  let data: string[] = [];
  const take = (line: string) => {
    const [, field = "", value = ""] = /^([^:]*):? ?(.*)$/.exec(line) ?? [];
    if (field === "id") notes.id = value;
    if (field === "event") event = value;
    if (field === "data") data.push(value);
    if (line !== "") return;
    if (data.length > 0) notes.received.push(note(event, data.join("\n")));
    event = undefined;
    data = [];
  };
  return {
    feed(text) {
      const lines = (unread + text).split("\n");
      unread = lines.pop() ?? "";
      for (const line of lines) take(line);
    },
  };
}

/**
 * A client that comes back with the id it holds, at once; disposing of it makes it stay away. It speaks
 * HTTP/1.0, in which a stream is its bytes alone, so that it sees each byte as soon as it comes.
 */
class Client implements AsyncDisposable {
  readonly notes: Notes;
  readonly #url: URL;
  readonly #makeParser: (notes: Notes) => Parser;
  readonly #finished: Promise<void>;
  #connection: Deno.TcpConn | undefined;
  #isClosed = false;

  constructor(url: string, makeParser: (notes: Notes) => Parser, lastEventId = "") {
    this.#url = new URL(url);
    this.#makeParser = makeParser;
    this.notes = { id: lastEventId, received: [] };
    this.#finished = this.#run();
  }

  async #run(): Promise<void> {
    const { hostname, port } = this.#url;
    while (!this.#isClosed) {
      using connection = await Deno.connect({ hostname, port: Number(port) });
      this.#connection = connection;
      try {
        await this.#stream(connection);
      } catch {
        // The connection was cut, or the test is over.
      }
    }
  }

  async #stream(connection: Deno.TcpConn): Promise<void> {
    const { pathname, search, host } = this.#url;
    const id = this.notes.id === "" ? "" : `Last-Event-ID: ${this.notes.id}\r\n`;
    const request = `GET ${pathname}${search} HTTP/1.0\r\nHost: ${host}\r\n${id}\r\n`;
    const parser = this.#makeParser(this.notes);
    await connection.write(new TextEncoder().encode(request));
    let head: string | undefined = "";
    for await (const text of connection.readable.pipeThrough(new TextDecoderStream())) {
      if (head === undefined) parser.feed(text);
      else {
        head += text;
        const end = head.indexOf("\r\n\r\n");
        if (end < 0) continue;
        parser.feed(head.slice(end + 4));
        head = undefined;
      }
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#isClosed = true;
    try {
      this.#connection?.close();
    } catch {
      // It is between two connections.
    }
    await this.#finished;
  }
}

/** An event as it goes over the wire, but for the digits of its id. */
function textOf(data: string): string {
  return `event: tick\ndata: ${data}\nid: 0000000000000000-aaaaaa\n\n`;
}

function start(): Promise<Server> {
  return startServer(["-retry", "20", "-heartbeat", "0"]);
}

function urlThrough(cutter: Cutter, token: string, more = ""): string {
  return `http://127.0.0.1:${cutter.relay.port}/events/?token=${token}${more}`;
}

function portOf(server: Server): number {
  return Number(new URL(server.clientOrigin).port);
}

/**
 * Emits an event for each byte of one, and cuts the connection after that byte.
 *
 * @returns the data of all events, and of those that no client with a hasty parser can get.
 */
async function emitAndCut(
  server: Server,
  cutter: Cutter,
  count: () => number,
): Promise<{ readonly all: Received; readonly outOfReach: string }> {
  const all: Received = [];
  const emit = async (data: string) => {
    all.push(`tick ${data}`);
    await server.emit({ userId: "alex", channel: "chat", event: "tick", data });
  };
  const { length } = textOf("1000");
  await emit("first");
  await waitFor("the first event", () => count() === 1);
  for (let byte = 0; byte < length; byte++) {
    const data = String(1000 + byte);
    const { accepted } = cutter.relay;
    cutter.cutInside(`event: tick\ndata: ${data}\n`, byte);
    await emit(data);
    await waitFor(`a cut after byte ${byte}`, () => cutter.relay.accepted > accepted);
    const next = `after ${data}`;
    const before = count();
    await emit(next);
    await waitFor(`the event after the cut at byte ${byte}`, () => count() > before);
  }
  return { all, outOfReach: `tick ${1000 + length - 1}` };
}

for (
  const [name, makeParser] of [["standard", standardParser], ["hasty", hastyParser]] as const
) {
  Deno.test(`a client with a ${name} parser that is cut off at any byte of an event gets each event once and in order`, async () => {
    await using server = await start();
    const token = await server.token({ userId: "alex", channel: "chat" });
    await using cutter = new Cutter(portOf(server));
    await using client = new Client(urlThrough(cutter, token), makeParser);
    await waitFor("the stream", () => client.notes.id !== "");
    const { received } = client.notes;
    const { all, outOfReach } = await emitAndCut(server, cutter, () => received.length);
    await waitFor("the last event", () => received.at(-1) === all.at(-1));
    const expected = name === "standard" ? all : all.filter((event) => event !== outOfReach);
    assertEquals(received, expected);
  });

  Deno.test(`a client with a ${name} parser that is cut off at any byte of a gap event is told of the gap, once`, async () => {
    await using server = await start();
    const token = await server.token({ userId: "alex", channel: "chat" });
    await server.emit({ userId: "alex", channel: "chat", event: "tick", data: "1" });
    const text = `event: gap\ndata: {"asked":"unheard of","oldest":"`;
    const { length } = `${text}0000000000000000-aaaaaa"}\nid: 0000000000000000-aaaaaa\n\n`;
    for (let byte = 0; byte < length; byte++) {
      await using cutter = new Cutter(portOf(server));
      cutter.cutInside(text, byte);
      await using client = new Client(urlThrough(cutter, token), makeParser, "unheard of");
      const { received } = client.notes;
      await waitFor("the event after the gap", () => received.at(-1) === "tick 1");
      const isTold = name === "standard" || byte < length - 1;
      assertEquals(
        received.map((event) => event.split(" ")[0]),
        isTold ? ["gap", "tick"] : ["tick"],
        `cut after byte ${byte}`,
      );
      assertEquals(cutter.relay.accepted, 2);
    }
  });
}

Deno.test("the npm package eventsource 2.0.2, greeted by an event, gets each event once and in order wherever it is cut off", async () => {
  await using server = await start();
  const token = await server.token({ userId: "alex", channel: "chat" });
  await using cutter = new Cutter(portOf(server));
  // It goes on with the lines of the event that was cut off: the greeting's event takes them with it.
  const source = new EventSource2(urlThrough(cutter, token, "&greeting=event"));
  const received: Received = [];
  let greetings = 0;
  source.addEventListener("hello", () => greetings++);
  source.addEventListener("message", ({ data }: MessageEvent) => received.push(data));
  source.addEventListener("tick", ({ data }: MessageEvent) => received.push(`tick ${data}`));
  source.addEventListener("error", () => {});
  try {
    await waitFor("the stream", () => greetings === 1);
    const { all, outOfReach } = await emitAndCut(server, cutter, () => received.length);
    await waitFor("the last event", () => received.at(-1) === all.at(-1));
    assertEquals(received, all.filter((event) => event !== outOfReach));
  } finally {
    source.close();
  }
});
