/**
 * Well-formed requests for every route of both listeners, with nearly right methods, paths, headers and fields: each is
 * answered, none with an error of the server's, and as many events are published as emits have answered for.
 *
 * @module
 */
import { concatBytes } from "../../src/lib/bytes.ts";
import type { SeededRandom } from "../support/seeded_random.ts";
import { encodeFields, ENCODINGS, framed } from "./bodies.ts";
import { Connection, type WireRequest } from "./connection.ts";
import type { Field } from "./emit_model.ts";
import { anyFields } from "./emits.ts";
import { expect } from "./finding.ts";
import type { FuzzedServer } from "./fuzzed_server.ts";
import { anyName, anyValue } from "./odd_values.ts";
import { checkAnswer, type Round, type Subject } from "./subject.ts";

const REQUESTS = 200;
const STREAMS_AT_ONCE = 20;

export const requests: Subject = { name: "requests", weight: 10, run };

async function run({ server, random, tally }: Round): Promise<void> {
  const before = await server.published();
  const made = Array.from({ length: REQUESTS }, () => anyRequest(server, random));
  const ids = new Set<string>();
  let plain = 0;
  const streams: Connection[] = [];
  for (const isControl of [true, false]) {
    let left = made.filter((one) => one.isControl === isControl);
    while (left.length > 0) {
      const connection = await Connection.open(
        isControl ? server.controlOrigin : server.clientOrigin,
      );
      const end = left.findIndex(({ mayStream }) => mayStream);
      const sent = end < 0 ? left : left.slice(0, end + 1);
      const sending = connection.send(concatBytes(sent.map(({ bytes }) => bytes)));
      let isOpen = true;
      for (const { method, bytes } of sent) {
        if (!isOpen) break;
        const answer = await connection.readAnswer(method, bytes);
        if (answer === undefined) break;
        tally.add(answer.status);
        checkAnswer(answer, bytes);
        for (
          const [, id = ""] of answer.body.matchAll(/"id":"(\d{16}-[a-z0-9]{6})","subscribers":/g)
        ) {
          ids.add(id);
        }
        if (answer.body === "OK") plain++;
        left = left.slice(1);
        // Behind a stream no other answer comes.
        isOpen = answer.headers.get("content-type") !== "text/event-stream" &&
          answer.headers.get("connection") !== "close";
        if (answer.headers.get("content-type") === "text/event-stream") streams.push(connection);
      }
      if (streams.includes(connection)) {
        if (streams.length > STREAMS_AT_ONCE) streams.shift()?.close();
      } else {
        await sending;
        connection.close();
      }
    }
  }
  for (const stream of streams) stream.close();
  const published = await server.published() - before;
  expect(
    published === ids.size + plain,
    () =>
      `${published} events were published, ${ids.size + plain} emits were answered with success`,
    concatBytes(made.map(({ bytes }) => bytes)),
  );
}

interface Made extends WireRequest {
  readonly isControl: boolean;
  /** Whether it may open a stream, behind which no other answer comes. */
  readonly mayStream: boolean;
}

/** A route, and what it takes. */
interface Known {
  readonly path: (random: SeededRandom) => string;
  readonly methods: readonly string[];
  readonly fields: (random: SeededRandom) => Field[];
}

const segment = (random: SeededRandom) =>
  random.chance(0.1)
    ? random.pick(["%zz", "%00", "%ff", "", "%2F", "%2e%2e", "a%20b", "*", "%F0%9F%98%80"])
    : encodeURIComponent(anyName(random).toWellFormed());

const none = (): Field[] => [];

/** Fields of some names, each with a value that may be right. */
function some(names: Readonly<Record<string, (random: SeededRandom) => string>>) {
  return (random: SeededRandom): Field[] =>
    Object.entries(names).filter(() => random.chance(0.6))
      .flatMap(([name, value]): Field[] => {
        const field: Field = [name, random.chance(0.85) ? value(random) : anyValue(random)];
        return random.chance(0.03) ? [field, field] : [field];
      })
      .concat(
        random.chance(0.04)
          ? [[random.pick(["x", "limt", "__proto__", ""]), anyValue(random)]]
          : [],
      );
}

const one = (...values: readonly string[]) => (random: SeededRandom) => random.pick(values);

const LIST = {
  limit: one("1", "2", "100", "1000", "1001", "0"),
  offset: one("0", "1", "1000000000", "1000000001"),
  userId: anyName,
  channel: anyName,
};

const at = (path: string) => () => path;

const CONTROL_ROUTES: readonly Known[] = [
  { path: at("/"), methods: ["GET", "HEAD"], fields: none },
  {
    path: at("/emit/"),
    methods: ["POST"],
    fields: (random) =>
      // One event each, so that they can be counted.
      anyFields({ users: ["alex", "*"], channels: ["chat"], access: "", keyPrefix: "r" }, random)
        .filter(([name]) => name !== "payload" && name !== "idempotencyKey"),
  },
  {
    path: at("/token/"),
    methods: ["POST"],
    fields: some({
      userId: anyName,
      channel: anyName,
      exp: one("60", "1", "315576000", "315576001"),
    }),
  },
  {
    path: at("/revoke/"),
    methods: ["POST"],
    fields: some({ userId: (random) => `r${anyName(random)}`, channel: anyName, jti: anyName }),
  },
  {
    path: at("/revoke/"),
    methods: ["GET"],
    fields: some({ ...LIST, sort: one("userId", "-revokedAt") }),
  },
  {
    path: at("/disconnect/"),
    methods: ["POST"],
    fields: some({ userId: anyName, channel: anyName, all: one("true", "false") }),
  },
  {
    path: at("/channels/"),
    methods: ["GET"],
    fields: some({
      ...LIST,
      sort: one("name", "-subscribers", "channel", "events"),
      prefix: anyName,
    }),
  },
  { path: (random) => `/channels/${segment(random)}`, methods: ["GET"], fields: none },
  { path: (random) => `/users/${segment(random)}`, methods: ["GET"], fields: none },
  { path: (random) => `/channels/${segment(random)}/events`, methods: ["GET"], fields: none },
  { path: (random) => `/channels/${segment(random)}/history`, methods: ["DELETE"], fields: none },
  { path: (random) => `/users/${segment(random)}/history`, methods: ["DELETE"], fields: none },
  {
    path: at("/streams/"),
    methods: ["GET"],
    fields: some({ ...LIST, sort: one("openedAt", "-user", "id") }),
  },
  {
    path: at("/presence/"),
    methods: ["GET"],
    fields: some({
      channel: anyName,
      sort: one("user", "-streams", "since"),
      grace: one("0", "5", "61"),
      limit: LIST.limit,
    }),
  },
  {
    path: at("/explain/"),
    methods: ["GET"],
    fields: some({
      userId: anyName,
      channel: anyName,
      id: one("1795335175958000-oprfql", "x", "9999999999999999-aaaaaa"),
      since: one("1m", "90s", "2026-11-24T14:00:00Z", "-5", "9999999d", "2026-99-99"),
    }),
  },
  {
    path: at("/backup/"),
    methods: ["POST"],
    fields: some({
      file: one("../x", "a.db", ".x", "events.db", "a/b", "x".repeat(201), "con", "\0"),
    }),
  },
  { path: at("/healthz"), methods: ["GET", "HEAD"], fields: none },
  { path: at("/livez"), methods: ["GET", "HEAD"], fields: none },
  { path: at("/readyz"), methods: ["GET", "HEAD"], fields: none },
  { path: at("/metrics"), methods: ["GET"], fields: none },
  { path: at("/stats/"), methods: ["GET"], fields: none },
];

const CLIENT_ROUTES: readonly Known[] = [
  {
    path: at("/events/"),
    methods: ["GET"],
    fields: some({
      token: one("", "x", "eyJ.eyJ.x"),
      channel: one("open.news", "chat", "*", ""),
      greeting: one("event", "x"),
      lastEventId: anyName,
      last_event_id: anyName,
    }),
  },
  { path: at("/events/"), methods: ["OPTIONS"], fields: none },
  { path: at("/client.js"), methods: ["GET", "HEAD"], fields: none },
  { path: at("/livez"), methods: ["GET", "HEAD"], fields: none },
  { path: at("/readyz"), methods: ["GET", "HEAD"], fields: none },
  { path: at("/emit/"), methods: ["POST"], fields: none },
];

const METHODS = [
  "GET",
  "HEAD",
  "POST",
  "PUT",
  "PATCH",
  "DELETE",
  "OPTIONS",
  "TRACE",
  "FOO",
  "get",
  "QUERY",
];

function anyRequest(server: FuzzedServer, random: SeededRandom): Made {
  const isControl = random.chance(0.75);
  const known = random.pick(isControl ? CONTROL_ROUTES : CLIENT_ROUTES);
  const method = random.chance(0.93) ? random.pick(known.methods) : random.pick(METHODS);
  const path = odd(known.path(random), random);
  const hasBody = method === "POST" || random.chance(0.03);
  const encoding = hasBody ? random.pick(ENCODINGS) : "query";
  const { query, contentType, body } = encodeFields(known.fields(random), encoding, random);
  const { head, bytes } = framed(body, random);
  const type = random.chance(0.95) ? contentType : random.pick(CONTENT_TYPES);
  const text = `${method} ${path}${query === "?" ? "" : query} HTTP/1.1\r\n` +
    headersOf(server, isControl, random).join("") +
    (type === "" ? "" : `Content-Type: ${type}\r\n`) + `${hasBody ? head : ""}\r\n`;
  const start = Uint8Array.from(text, (char) => char.charCodeAt(0));
  const mayStream = method === "GET" && /event|stat|presence/i.test(path);
  return { method, isControl, mayStream, bytes: hasBody ? concatBytes([start, bytes]) : start };
}

function odd(path: string, random: SeededRandom): string {
  if (random.chance(0.95)) return path;
  return random.pick([
    path.replace(/\/$/, ""),
    `${path}/`,
    `/${path}`,
    path.toUpperCase(),
    path.replace("/", "/./"),
    path.replace("e", "%65"),
    `${path};x=y`,
    `${path}?`,
    `http://localhost${path}`,
    `http://evil.example${path}`,
    `${path}%`,
  ]);
}

const CONTENT_TYPES = [
  ...[
    "text/plain",
    "application/json",
    "application/xml",
    "multipart/form-data",
    "x",
    ";",
    "application/json;charset=utf-16",
  ],
  ...[
    "multipart/form-data; boundary=",
    'multipart/form-data; boundary="',
    "application/x-www-form-urlencoded; charset=latin1",
  ],
];

/** The values of each header that the server reads, and of some that it must not care about. */
const HEADERS: Readonly<Record<string, readonly string[]>> = {
  Accept: [
    "application/json",
    "*/*",
    "text/event-stream",
    "text/plain",
    "application/json;q=0",
    "",
    ",,",
    "text/html",
  ],
  "Accept-Encoding": ["gzip", "br", "identity;q=0", "*"],
  Origin: [
    "http://localhost",
    "https://localhost",
    "https://app.example",
    "https://evil.example",
    "null",
    "x",
  ],
  "Sec-Fetch-Site": ["none", "same-origin", "cross-site", "same-site", "x"],
  Cookie: [
    "sse_token=x",
    "a; b; sse_token",
    'sse_token=""',
    "=;=",
    "sse_token=eyJ.eyJ.x; sse_token=y",
    "\xff",
  ],
  "Last-Event-ID": [
    "5",
    "1795335175958000-oprfql",
    "\xf0\x9f\x98\x80",
    "\xff\xfe",
    "x".repeat(300),
    "",
  ],
  "X-Forwarded-For": [
    "10.0.0.1",
    "10.0.0.1, 127.0.0.1",
    "unknown",
    "::1",
    "[::1]:80",
    ",",
    "x".repeat(2000),
    "1.2.3.4:5",
  ],
  Forwarded: ["for=1.2.3.4", 'for="[::1]"'],
  Authorization: [
    "Bearer x",
    "Bearer",
    "Basic YTpi",
    "bearer  y z",
    "Bearer eyJ.eyJ.x",
    "eyJhbGciOiJub25lIn0.e30.x",
    "",
  ],
  Range: ["bytes=0-5"],
  "If-None-Match": ["*", '"x"'],
  "Access-Control-Request-Method": ["GET", "POST"],
  "Access-Control-Request-Headers": ["Authorization", "X-Evil"],
  Expect: ["100-continue"],
  Upgrade: ["websocket", "h2c"],
  "User-Agent": ["x", "", "\xe9", "Mozilla/5.0 ".repeat(30)],
  "X-Unknown": ["\t", "a\tb"],
};

const HOSTS = [
  "localhost",
  "localhost:1",
  "127.0.0.1",
  "[::1]",
  "LOCALHOST",
  "evil.example",
  "",
  "a b",
  "127.1",
  "localhost.",
];

function headersOf(server: FuzzedServer, isControl: boolean, random: SeededRandom): string[] {
  const lines = [`Host: ${random.chance(0.95) ? "localhost" : random.pick(HOSTS)}\r\n`];
  if (isControl && random.chance(0.97)) lines.push(server.access);
  const names = Object.keys(HEADERS);
  for (let n = random.weighted({ a: 4, ab: 3, abc: 2, abcd: 1 }).length - 1; n > 0; n--) {
    const name = random.pick(names);
    lines.push(`${name}: ${random.pick(HEADERS[name] ?? [])}\r\n`);
  }
  if (!isControl && random.chance(0.1)) {
    lines.push(
      `Authorization: Bearer ${server.token("alex", random.pick(["chat", "open.news"]))}\r\n`,
    );
  }
  return random.shuffled(lines);
}
