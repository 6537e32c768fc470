import { type Appended, ByteBuffer, UNCOUNTED_BYTES } from "../lib/byte_buffer.ts";
import { BodyBrokenOff, HttpError, ServerBusy, TooLarge } from "../lib/errors.ts";
import type { BodyLimits } from "./body_limits.ts";

/** A whole body as UTF-8. @throws BodyBrokenOff, TooLarge, ServerBusy */
export function readText(request: Request, limits: BodyLimits): Promise<string> {
  if (isSmall(request, limits)) return whole(request.text());
  return whole(collect(request, limits, (bytes) => new TextDecoder().decode(bytes)));
}

/** A whole body. @throws BodyBrokenOff, TooLarge, ServerBusy */
export function readBytes(
  request: Request,
  limits: BodyLimits,
): Promise<Uint8Array<ArrayBuffer>> {
  if (isSmall(request, limits)) return whole(request.bytes());
  return whole(collect(request, limits, (bytes) => bytes));
}

/**
 * Counts bytes that did not fit, and tells why they were refused; `subject` says of what they are: `Body` or
 * `Line`.
 */
export function appendFailure(
  subject: string,
  why: Exclude<Appended, "ok">,
  limits: BodyLimits,
): HttpError {
  if (why === "too long") {
    return new TooLarge(`${subject} too large: more than ${limits.maxBytes} bytes (-max-payload).`);
  }
  limits.noteRefusedForRoom();
  return new ServerBusy(
    `Server busy: unfinished request bodies take ${limits.unfinished.limit} bytes together, ` +
      `which is the limit (${limits.unfinishedRule}). Nothing was published; try again.`,
  );
}

/** Whether the runtime may collect the body, which takes less time: it says its length, and that is small. */
function isSmall(request: Request, limits: BodyLimits): boolean {
  const announced = request.headers.get("Content-Length");
  if (announced === null) return false;
  if (Number(announced) > limits.maxBytes) throw appendFailure("Body", "too long", limits);
  return Number(announced) <= UNCOUNTED_BYTES;
}

async function collect<T>(
  request: Request,
  limits: BodyLimits,
  use: (bytes: Uint8Array<ArrayBuffer>) => T,
): Promise<T> {
  const buffer = new ByteBuffer(limits.maxBytes, limits.unfinished);
  try {
    for await (const chunk of request.body ?? []) {
      const appended = buffer.append(chunk);
      if (appended !== "ok") throw appendFailure("Body", appended, limits);
    }
    if (buffer.wasEvicted) throw appendFailure("Body", "no room", limits);
    return use(buffer.bytes);
  } finally {
    buffer.clear();
  }
}

/** A caller who breaks off is no failure of the server's. */
async function whole<T>(reading: Promise<T>): Promise<T> {
  try {
    return await reading;
  } catch (error) {
    if (error instanceof HttpError) throw error;
    throw new BodyBrokenOff("Body not understood: it broke off before its end.");
  }
}
