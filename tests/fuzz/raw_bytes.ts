/**
 * Bytes that are no request, or one that is mutated, cut or smuggled: each is answered with 4xx, or with the end of
 * the connection; no emit is answered with success that was not published, and nothing is published that nobody sent.
 *
 * @module
 */
import { concatBytes } from "../../src/lib/bytes.ts";
import type { SeededRandom } from "../support/seeded_random.ts";
import { Connection, CUT_LINES_MS, HANG_MS } from "./connection.ts";
import { binaryText, expect } from "./finding.ts";
import type { FuzzedServer } from "./fuzzed_server.ts";
import type { Round, Subject } from "./subject.ts";

const CONNECTIONS = 60;
const AT_ONCE = 12;
/** Of one request here. */
const MOST_EVENTS = 2;

export const rawBytes: Subject = { name: "bytes", weight: 4, run };

interface Case {
  readonly isControl: boolean;
  readonly bytes: Uint8Array<ArrayBuffer>;
}

async function run({ server, random, tally }: Round): Promise<void> {
  const before = await server.published();
  const cases = Array.from({ length: CONNECTIONS }, () => anyCase(server, random));
  let receipts = 0;
  let unanswered = 0;
  const left = cases.values();
  await Promise.all(Array.from({ length: AT_ONCE }, async () => {
    for (const one of left) {
      const counts = await send(server, one, tally);
      receipts += counts.receipts;
      unanswered += counts.unanswered;
    }
  }));
  const published = await server.published() - before;
  expect(
    published >= receipts && published <= receipts + unanswered * MOST_EVENTS,
    () =>
      `${published} events were published; ${receipts} emits were answered with success, ` +
      `${unanswered} requests not at all`,
    concatBytes(cases.filter(({ isControl }) => isControl).map(({ bytes }) => bytes)),
  );
}

/** How the requests of a case were answered. */
interface Counts {
  readonly receipts: number;
  /** At most: whoever ends its side of a connection gets no answer of an emit that takes a turn. */
  readonly unanswered: number;
}

/** Sends a case and the end of it. */
async function send(
  server: FuzzedServer,
  { isControl, bytes }: Case,
  tally: Round["tally"],
): Promise<Counts> {
  using connection = await Connection.open(isControl ? server.controlOrigin : server.clientOrigin);
  await connection.send(bytes);
  await connection.endSending();
  const text = await readAll(connection, bytes);
  const statuses = Array.from(text.matchAll(/HTTP\/1\.[01] (\d{3}) /g), ([, code]) => Number(code));
  if (statuses.length === 0) tally.add("closed");
  for (const status of statuses) {
    expect(status < 500 || status === 503, () => `the answer ${text}`, bytes);
    tally.add(status);
  }
  const ids = text.matchAll(/"id":"(\d{16}-[a-z0-9]{6})","subscribers":/g);
  const plain = text.matchAll(/\r\n\r\nOK(?=HTTP|$)/g);
  const asked = binaryText(bytes).split("/emit").length - 1;
  const unanswered = isControl ? Math.max(0, asked - statuses.length) : 0;
  return { receipts: [...ids, ...plain].length, unanswered };
}

/** All that is answered, up to the end of the connection, or to the first stream, which does not end. */
async function readAll(connection: Connection, bytes: Uint8Array): Promise<string> {
  const read = async () =>
    await connection.readUntil(/content-type: text\/event-stream\r\n/i) ?? connection.unread;
  if (!binaryText(bytes).includes("x-ndjson")) return await read();
  try {
    connection.hangMs = CUT_LINES_MS;
    return await read();
  } catch {
    if (connection.unread.includes("x-ndjson")) return connection.unread;
    connection.hangMs = HANG_MS;
    return await read();
  }
}

function anyCase(server: FuzzedServer, random: SeededRandom): Case {
  const isControl = random.chance(0.7);
  const kind = random.weighted({ mutated: 10, smuggled: 4, random: 1, http2: 1 });
  const bytes = {
    mutated: () =>
      mutated(
        Array.from({ length: random.between(1, 3) }, () => request(server, isControl, random)).join(
          "",
        ),
        random,
      ),
    smuggled: () => encode(smuggled(server, random)),
    random: () => anyBytes(random.between(1, 2000), random),
    http2: () => http2(random),
  }[kind]();
  return { isControl, bytes };
}

/** A request that is right, with exactly one event if it is an emit. */
function request(server: FuzzedServer, isControl: boolean, random: SeededRandom): string {
  const token = server.token("alex", "chat");
  if (!isControl) {
    return random.pick([
      `GET /events/?token=${token} HTTP/1.1\r\nHost: localhost\r\nLast-Event-ID: 5\r\n\r\n`,
      `GET /events/ HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer ${token}\r\nOrigin: https://app.example\r\n\r\n`,
      `GET /events/?channel=chat HTTP/1.1\r\nHost: localhost\r\nCookie: a=b; sse_token=${token}\r\n\r\n`,
      "GET /events/?channel=open.news HTTP/1.1\r\nHost: localhost\r\nX-Forwarded-For: 10.0.0.1, 10.0.0.2\r\n\r\n",
      "GET /client.js HTTP/1.1\r\nHost: localhost\r\nAccept-Encoding: gzip\r\n\r\n",
      "HEAD /readyz HTTP/1.1\r\nHost: localhost\r\n\r\n",
      "OPTIONS /events/ HTTP/1.1\r\nHost: localhost\r\nOrigin: https://app.example\r\nAccess-Control-Request-Method: GET\r\n\r\n",
    ]);
  }
  const form = "userId=alex&channel=chat&data=x";
  const json = '{"userId":"*","channel":"chat","data":"y"}';
  const part = (name: string, value: string) =>
    `--b\r\nContent-Disposition: form-data; name="${name}"\r\n\r\n${value}\r\n`;
  const multipart = `${part("userId", "*")}${part("channel", "chat")}${part("data", "z")}--b--\r\n`;
  return random.pick([
    emit(server, "application/x-www-form-urlencoded", `Content-Length: ${form.length}`, form),
    emit(server, "application/json", `Content-Length: ${json.length}`, json),
    emit(
      server,
      "application/x-ndjson",
      `Content-Length: ${json.length * 2 + 1}`,
      `${json}\n${json}`,
    ),
    emit(
      server,
      "multipart/form-data; boundary=b",
      `Content-Length: ${multipart.length}`,
      multipart,
    ),
    emit(
      server,
      "application/json",
      "Transfer-Encoding: chunked",
      `5\r\n${json.slice(0, 5)}\r\n${(json.length - 5).toString(16)};a=b\r\n${
        json.slice(5)
      }\r\n0\r\n\r\n`,
    ),
    `GET /channels/?limit=2&sort=-subscribers HTTP/1.1\r\nHost: localhost\r\n${server.access}\r\n`,
    `GET /explain/?userId=alex&channel=chat&since=1m HTTP/1.1\r\nHost: localhost\r\n${server.access}\r\n`,
    `GET /channels/a%2Fb HTTP/1.1\r\nHost: localhost\r\n${server.access}\r\n`,
    `GET /healthz HTTP/1.1\r\nHost: localhost\r\nAccept: application/json\r\n${server.access}\r\n`,
  ]);
}

function emit(server: FuzzedServer, type: string, length: string, body: string): string {
  return `POST /emit/ HTTP/1.1\r\nHost: localhost\r\n${server.access}Accept: application/json\r\n` +
    `Content-Type: ${type}\r\n${length}\r\n\r\n${body}`;
}

const INSERTED = [
  ...[
    "\r\n",
    "\n",
    "\r",
    "\0",
    " ",
    "\t",
    ":",
    "\x7f",
    "\xff",
    "%00",
    "%0d%0a",
    "%zz",
    "/",
    "//",
    "/../",
  ],
  ...[
    "http://evil.example/",
    "\r\n ",
    "\r\n\t",
    "\r\n\r\n",
    "Content-Length: 5\r\n",
    "Content-Length: -1\r\n",
  ],
  ...[
    "Transfer-Encoding: chunked\r\n",
    "Transfer-Encoding: gzip, chunked\r\n",
    "Connection: close\r\n",
  ],
  ...[
    "Expect: 100-continue\r\n",
    "Upgrade: websocket\r\nConnection: Upgrade\r\n",
    "HTTP/1.0",
    "HTTP/2.0",
  ],
  ...[
    "Host: evil.example\r\n",
    "Origin: http://evil.example\r\n",
    "Accept: text/html\r\n",
    "?",
    "#",
    "&",
    "=",
  ],
  ...[
    "ffffffffffffffff\r\n",
    "Last-Event-ID: \xf0\x9f\r\n",
    "TRACE ",
    "CONNECT ",
    "\x16\x03\x01\x02\x00",
  ],
];

function mutated(text: string, random: SeededRandom): Uint8Array<ArrayBuffer> {
  let now = text;
  for (let n = random.between(0, 4); n > 0; n--) {
    const at = random.between(0, now.length);
    const end = Math.min(now.length, at + random.pick([1, 1, 2, 5, 20]));
    const change = random.weighted({
      insert: 6,
      remove: 3,
      replace: 3,
      repeat: 2,
      cut: 1,
      long: 0.3,
      swap: 1,
    });
    switch (change) {
      case "insert":
        now = now.slice(0, at) + random.pick(INSERTED) + now.slice(at);
        break;
      case "remove":
        now = now.slice(0, at) + now.slice(end);
        break;
      case "replace":
        now = now.slice(0, at) + String.fromCharCode(random.between(0, 255)) + now.slice(at + 1);
        break;
      case "repeat":
        now = now.slice(0, end) + now.slice(at, end).repeat(random.pick([1, 3, 100])) +
          now.slice(end);
        break;
      case "cut":
        now = now.slice(0, at);
        break;
      case "long":
        now = now.slice(0, at) + "x".repeat(random.pick([1000, 8192, 70_000, 500_000])) +
          now.slice(at);
        break;
      case "swap":
        now = now.replace(
          random.pick(["GET", "POST", "\r\n", "HTTP/1.1", "localhost"]),
          random.pick(INSERTED),
        );
    }
  }
  return encode(now);
}

/** Requests whose end is told in two ways, with another request where one of them says that the body is. */
function smuggled(server: FuzzedServer, random: SeededRandom): string {
  const form = "userId=*&channel=chat&data=s";
  const type = "application/x-www-form-urlencoded";
  const inner = emit(server, type, `Content-Length: ${form.length}`, form);
  const chunked = `${form.length.toString(16)}\r\n${form}\r\n0\r\n\r\n`;
  const lengths = random.shuffled([
    `Content-Length: ${form.length}`,
    random.pick([
      "Transfer-Encoding: chunked",
      "Transfer-Encoding: xchunked",
      "Transfer-Encoding : chunked",
      "Transfer-Encoding: chunked\r\nTransfer-Encoding: identity",
      "Transfer-Encoding:\tchunked",
      "X: y\nTransfer-Encoding: chunked",
      "Transfer-Encoding\r\n : chunked",
      `Content-Length: ${form.length + inner.length}`,
      `Content-Length: ${form.length}, ${form.length}`,
      `Content-Length: +${form.length}`,
      "Content-Length: 0",
      "Content-Length: 1e1",
    ]),
  ]).join("\r\n");
  return emit(server, type, lengths, random.pick([chunked, form, `0\r\n\r\n`]) + inner);
}

/** The preface of HTTP/2, which the runtime understands on the same port, and frames. */
function http2(random: SeededRandom): Uint8Array<ArrayBuffer> {
  const frames = Array.from({ length: random.between(0, 6) }, () => {
    const payload = anyBytes(random.between(0, 60), random);
    const length = random.chance(0.8) ? payload.length : random.between(0, 70_000);
    const head = [
      length >> 16,
      length >> 8,
      length,
      random.between(0, 10),
      random.between(0, 255),
      0,
      0,
      0,
      random.between(0, 5),
    ];
    return concatBytes([Uint8Array.from(head), payload]);
  });
  const settings = Uint8Array.from([0, 0, 0, 4, 0, 0, 0, 0, 0]);
  return concatBytes([encode("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"), settings, ...frames]);
}

function anyBytes(length: number, random: SeededRandom): Uint8Array<ArrayBuffer> {
  return Uint8Array.from({ length }, () => random.between(0, 255));
}

/** A character a byte. */
function encode(text: string): Uint8Array<ArrayBuffer> {
  return Uint8Array.from(text, (char) => char.charCodeAt(0));
}
