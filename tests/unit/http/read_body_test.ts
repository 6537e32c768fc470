import { systemClock } from "../../../src/lib/clock.ts";
import { BodyLimits } from "../../../src/http/body_limits.ts";
import { readBytes, readText } from "../../../src/http/read_body.ts";
import { BodyBrokenOff, HttpError, ServerBusy, TooLarge } from "../../../src/lib/errors.ts";
import { assert, assertEquals, assertMatch } from "../../support/assert.ts";

const PAYLOAD = 100_000;

function request(chunks: Iterable<Uint8Array<ArrayBuffer>>, announced?: number): Request {
  const headers = new Headers();
  if (announced !== undefined) headers.set("Content-Length", String(announced));
  const body = ReadableStream.from(chunks);
  return new Request("http://127.0.0.1/", { method: "POST", body, headers });
}

function* pieces(bytes: Uint8Array<ArrayBuffer>, size: number) {
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
}

async function refusal(reading: Promise<unknown>): Promise<HttpError> {
  try {
    await reading;
  } catch (error) {
    assert(error instanceof HttpError, String(error));
    return error;
  }
  throw new Error("it was accepted");
}

Deno.test("a body is read whole, whether or not it says its length, small or large", async () => {
  for (const length of [0, 10, 65_536, 65_537, 300_000]) {
    const text = "é".repeat(length / 2);
    const bytes = new TextEncoder().encode(text);
    for (const announced of [undefined, bytes.length]) {
      const limits = new BodyLimits(PAYLOAD, systemClock);
      const send = () => request(pieces(bytes, 9973), announced);
      assertEquals(await readText(send(), limits) === text, true, `${length} ${announced}`);
      assertEquals(await readBytes(send(), limits), bytes);
      assertEquals(limits.unfinished.taken, 0);
    }
  }
});

Deno.test("a body over the limit is refused, if it says so before any of it is read", async () => {
  const limits = new BodyLimits(PAYLOAD, systemClock);
  const { maxBytes } = limits;
  let pulled = 0;
  function* endless() {
    for (;; pulled++) yield new Uint8Array(1000);
  }
  for (const announced of [maxBytes + 1, undefined]) {
    const error = await refusal(
      Promise.resolve().then(() => readText(request(endless(), announced), limits)),
    );
    assert(error instanceof TooLarge);
    assertEquals(error.message, `Body too large: more than ${maxBytes} bytes (-max-payload).`);
    assert(announced === undefined || pulled <= 1, `${pulled} pieces were read`);
  }
  assert(pulled <= maxBytes / 1000 + 2, `${pulled} pieces were read`);
  assertEquals(limits.unfinished.taken, 0);
});

Deno.test("bodies that are not whole yet share their room, and give it back however they end", async () => {
  const limits = new BodyLimits(PAYLOAD, systemClock, 600_000);
  const held = new TransformStream<Uint8Array<ArrayBuffer>, Uint8Array<ArrayBuffer>>();
  const writer = held.writable.getWriter();
  const first = readText(
    new Request("http://127.0.0.1/", { method: "POST", body: held.readable }),
    limits,
  );
  await writer.write(new Uint8Array(400_000));
  const small = request(pieces(new Uint8Array(65_536), 1000));
  assertEquals((await readText(small, limits)).length, 65_536);
  const large = () => request(pieces(new Uint8Array(400_000), 1000));
  const error = await refusal(readText(large(), limits));
  assert(error instanceof ServerBusy, String(error));
  assertEquals([error.status, error.headers], [503, { "Retry-After": "1" }]);
  assertMatch(error.message, /^Server busy: unfinished request bodies take 600000 bytes together/);
  const broken = refusal(first);
  await writer.abort(new Error("connection lost"));
  assert(await broken instanceof BodyBrokenOff);
  assertEquals(limits.unfinished.taken, 0);
  assertEquals((await readText(large(), limits)).length, 400_000);
});
