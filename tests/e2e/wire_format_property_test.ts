/** Whatever is emitted, clients receive what a parser makes of each payload by itself, in order. */
import fc from "npm:fast-check@4.10.2";
import { assert, assertEquals, assertMatch } from "../support/assert.ts";
import {
  anyData,
  anyEventName,
  anyPayload,
  parseAlone,
  type ParsedEvent,
  parseInPieces,
} from "../support/payloads.ts";
import { type Receipt, type Server, startServer } from "../support/server.ts";
import { openStream, type ReceivedEvent } from "../support/sse_client.ts";

type Fields = Readonly<Record<string, string>>;

interface Emit {
  readonly fields: Fields;
  readonly encoding: Encoding;
}

/** An event that a client is to see, and what the emitter was told. */
interface Expected {
  readonly parsed: ParsedEvent;
  readonly receipt: Receipt;
}

type Encoding = "urlencoded" | "multipart" | "json";

const LAST_EMIT = { fields: { data: "the last of this run" }, encoding: "json" } as const;

const anyEncoding = fc.constantFrom<Encoding>("urlencoded", "multipart", "json");

const anyEmit: fc.Arbitrary<Emit> = fc.record({
  encoding: anyEncoding,
  fields: fc.oneof(
    { weight: 3, arbitrary: fc.record({ payload: anyPayload }) },
    { weight: 1, arbitrary: fc.record({ data: anyData, event: anyEventName }) },
    { weight: 1, arbitrary: fc.record({ data: anyData }) },
  ),
})
  // Deno's parser of multipart bodies takes a byte order mark off the start of every value.
  .filter(({ encoding, fields }) =>
    encoding !== "multipart" || !Object.values(fields).some((value) => value.startsWith("\uFEFF"))
  );

/** FormData would turn every lone LF or CR into CRLF, which PHP's curl does not. */
function multipartBody(fields: Fields, boundary: string): string {
  const parts = Object.entries(fields).map(([name, value]) =>
    `--${boundary}\r\nContent-Disposition: form-data; name="${name}"\r\n\r\n${value}\r\n`
  );
  return `${parts.join("")}--${boundary}--\r\n`;
}

function encode(fields: Fields, encoding: Encoding): RequestInit {
  const headers = (contentType: string) => ({
    "Content-Type": contentType,
    Accept: "application/json",
  });
  switch (encoding) {
    case "urlencoded":
      return {
        body: new URLSearchParams(fields).toString(),
        headers: headers("application/x-www-form-urlencoded"),
      };
    case "multipart": {
      const boundary = `----${crypto.randomUUID()}`;
      return {
        body: multipartBody(fields, boundary),
        headers: headers(`multipart/form-data; boundary=${boundary}`),
      };
    }
    case "json":
      return { body: JSON.stringify(fields), headers: headers("application/json") };
  }
}

async function emit(server: Server, { fields, encoding }: Emit): Promise<Receipt> {
  const request = encode({ userId: "alex", channel: "chat", ...fields }, encoding);
  const response = await server.control("/emit/", { method: "POST", ...request });
  const body = await response.text();
  assertEquals(response.status, 200, `${encoding} ${JSON.stringify(fields)} was refused: ${body}`);
  return JSON.parse(body) as Receipt;
}

/** What a client is to see of one emit; an event without an id of its own is to get one from the server. */
function expectedOf({ fields }: Emit): ParsedEvent[] {
  if (fields.payload !== undefined) return parseAlone(fields.payload);
  const data = (fields.data ?? "").replace(/\r\n|\r/g, "\n");
  return [{ id: undefined, event: fields.event ?? "message", data }];
}

/** Checks that the server gave ids in order, and none beyond the one that it told the emitter. */
function checkGivenIds(received: readonly ReceivedEvent[], expected: readonly Expected[]): void {
  let previous = "";
  for (const [index, { parsed, receipt }] of expected.entries()) {
    const id = received[index]?.id ?? "";
    if (parsed.id !== undefined) continue;
    assertMatch(id, /^\d{16}-\w+$/);
    assert(id > previous, `${id} is not after ${previous}`);
    assert(id <= receipt.id, `${id} is after ${receipt.id}, which the emitter was told`);
    previous = id;
  }
}

/** Events without the ids that the server gave. */
function withoutGivenIds(
  events: readonly ParsedEvent[],
  expected: readonly Expected[],
): ParsedEvent[] {
  return events.map(({ id, event, data }, index) => ({
    id: expected[index]?.parsed.id === undefined ? undefined : id,
    event,
    data,
  }));
}

Deno.test("clients receive what a parser makes of each payload by itself, in order, in whatever pieces it comes", async () => {
  await using server = await startServer();
  const token = await server.token({ userId: "alex", channel: "chat" });
  const property = fc.asyncProperty(
    fc.array(anyEmit, { minLength: 1, maxLength: 15 }),
    fc.array(fc.integer({ min: 1, max: 40 }), { minLength: 1, maxLength: 10 }),
    async (emits, pieceSizes) => {
      await using stream = await openStream(server.eventsUrl, { token });
      const expected: Expected[] = [];
      for (const one of [...emits, LAST_EMIT]) {
        const receipt = await emit(server, one);
        for (const parsed of expectedOf(one)) expected.push({ parsed, receipt });
      }
      const isComplete = () => stream.events.at(-1)?.data === LAST_EMIT.fields.data;
      await stream.waitFor("the last event", isComplete, { deadlineMs: 5_000 });
      const expectedEvents = expected.map(({ parsed }) => parsed);
      assertEquals(withoutGivenIds(stream.events, expected), expectedEvents);
      checkGivenIds(stream.events, expected);
      const inPieces = parseInPieces(stream.bytes, pieceSizes);
      assertEquals(withoutGivenIds(inPieces, expected), expectedEvents);
    },
  );
  // A failure prints seed and path; SSE_TEST_SEED repeats it.
  const seed = Deno.env.get("SSE_TEST_SEED");
  await fc.assert(property, {
    numRuns: 100,
    interruptAfterTimeLimit: 60_000,
    ...(seed === undefined ? {} : { seed: Number(seed) }),
  });
});
