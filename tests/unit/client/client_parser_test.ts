/** Whatever bytes a stream brings, in whatever pieces, the client for browsers reads what the reference parser reads. */
import { createParser } from "npm:eventsource-parser@4.1.3";
import fc from "npm:fast-check@4.10.2";
// @deno-types="../../../src/client/client.d.ts"
import { connect } from "../../../src/client/client.js";
import { assertEquals } from "../../support/assert.ts";
import { anyPayload } from "../../support/payloads.ts";
import type { ReceivedEvent } from "../../support/sse_client.ts";
import { withDeadline } from "../../support/wait.ts";

const encoder = new TextEncoder();

/** What the reference parser makes of a stream. */
function expectedOf(bytes: Uint8Array): ReceivedEvent[] {
  const events: ReceivedEvent[] = [];
  let id = "";
  const parser = createParser({
    onId: (next) => id = next,
    onEvent: ({ event = "message", data }) => events.push({ id, event, data }),
  });
  parser.feed(new TextDecoder("utf-8", { ignoreBOM: true }).decode(bytes));
  return events;
}

function* piecesOf(bytes: Uint8Array<ArrayBuffer>, sizes: readonly number[]) {
  for (let offset = 0, count = 0; offset < bytes.length; count++) {
    const size = sizes[count % sizes.length] ?? 1;
    yield bytes.subarray(offset, offset + size);
    offset += size;
  }
}

/** Deno 2.9.6 takes a mark off the start of every piece, where browsers do so at the start of the stream. */
class BrowserTextDecoder extends TextDecoder {
  #isFirst = true;

  constructor() {
    super("utf-8", { ignoreBOM: true });
  }

  override decode(bytes: Uint8Array<ArrayBuffer>, options?: TextDecodeOptions): string {
    const text = super.decode(bytes, options);
    if (text === "" || !this.#isFirst) return text;
    this.#isFirst = false;
    return text.replace(/^\uFEFF/, "");
  }
}

/** What the client hands over of a stream that ends after some bytes. */
async function readByClient(
  bytes: Uint8Array<ArrayBuffer>,
  sizes: readonly number[],
  types: Iterable<string>,
): Promise<ReceivedEvent[]> {
  const { fetch: nativeFetch, TextDecoder: nativeDecoder } = globalThis;
  globalThis.TextDecoder = BrowserTextDecoder as typeof TextDecoder;
  globalThis.fetch = () => {
    const body = ReadableStream.from(piecesOf(bytes, sizes));
    return Promise.resolve(
      new Response(body, { headers: { "Content-Type": "text/event-stream" } }),
    );
  };
  try {
    const received: ReceivedEvent[] = [];
    const ended = Promise.withResolvers<void>();
    const stream = connect("http://127.0.0.1/events/", {
      share: false,
      state: (_, reason) => reason && ended.resolve(),
    });
    for (const type of types) {
      stream.on(type, (data, event) => {
        received.push({ id: event.lastEventId, event: event.type, data });
      });
    }
    await withDeadline("the stream to end", ended.promise);
    stream.close();
    return received;
  } finally {
    globalThis.fetch = nativeFetch;
    globalThis.TextDecoder = nativeDecoder;
  }
}

async function check(text: string | Uint8Array<ArrayBuffer>, sizes: readonly number[]) {
  const bytes = typeof text === "string" ? encoder.encode(text) : text;
  const expected = expectedOf(bytes);
  const types = new Set(["message", ...expected.map(({ event }) => event)]);
  assertEquals(await readByClient(bytes, sizes, types), expected);
}

Deno.test("any payloads, cut into any pieces and off at any byte, are read as the reference parser reads them", async () => {
  const stream = fc.tuple(
    fc.constantFrom("", "\uFEFF", "\uFEFF\uFEFF", "\r", "\n"),
    fc.array(fc.tuple(anyPayload, fc.constantFrom("\n\n", "\r\r", "\r\n\r\n", "\n\r\n", "")), {
      maxLength: 6,
    }),
  ).map(([start, payloads]) => encoder.encode(start + payloads.flat().join("")));
  await fc.assert(
    fc.asyncProperty(
      stream,
      fc.array(fc.integer({ min: 1, max: 9 }), { minLength: 1, maxLength: 5 }),
      fc.double({ min: 0, max: 1, noNaN: true }),
      async (bytes, sizes, kept) => {
        await check(bytes, sizes);
        await check(bytes.slice(0, Math.floor(bytes.length * kept)), sizes);
      },
    ),
    { numRuns: 300 },
  );
});

Deno.test("ends of lines in three kinds, cut between CR and LF, marks, NUL and missing ends", async () => {
  const texts = [
    "data: a\r\ndata: b\r\n\r\ndata: c\r\rdata: d\n\ndata: e\r\n\rdata\n\n",
    "\uFEFFdata: marked\n\n\uFEFFdata: not a field\n\n",
    "id: 1\ndata: a\n\nid: 2\0\ndata: b\n\nid\ndata: c\n\n",
    "event: one\n\ndata: no type\n\ndata: no end",
    "data:  two spaces\ndata:none\ndata\n:comment\n:\n\nretry: 1e3\nretry: 5\n\ndata: é👩‍👩‍👧\n\n",
  ];
  for (const text of texts) {
    for (const size of [1, 2, 3, 1000]) await check(text, [size]);
  }
});

Deno.test("bytes that are no UTF-8 are read as the reference parser reads them", async () => {
  const bytes = Uint8Array.from([
    ...encoder.encode("data: "),
    0xff,
    0xe2,
    0x82,
    10,
    10,
    0xc3,
    0xa9,
  ]);
  for (const size of [1, 2, 5, 100]) await check(bytes, [size]);
});
