/**
 * Emitting very many events in one request.
 *
 * @module
 */
import type { Server } from "./server.ts";
import { TextLineStream } from "./lines.ts";

/** An event to emit, as a line of NDJSON says it. */
export interface BulkEvent {
  readonly channel: string;
  readonly userId: string;
  readonly data: string;
}

const LINES_AT_A_TIME = 1_000;

/**
 * Emits events as NDJSON and returns their ids, in order.
 *
 * @throws {Error} with the answer, if any is refused.
 */
export async function emitAll(
  server: Pick<Server, "control">,
  events: readonly BulkEvent[],
): Promise<string[]> {
  const response = await server.control("/emit/", {
    method: "POST",
    headers: { "Content-Type": "application/x-ndjson" },
    body: ReadableStream.from(linesOf(events)),
  });
  const ids: string[] = [];
  const lines = response.body?.pipeThrough(new TextDecoderStream()).pipeThrough(
    new TextLineStream(),
  );
  for await (const line of lines ?? []) {
    const { id } = JSON.parse(line);
    if (typeof id !== "string") throw new Error(`emit answered ${response.status}: ${line}`);
    ids.push(id);
  }
  if (ids.length !== events.length) {
    throw new Error(`${events.length} events were emitted, ${ids.length} answered`);
  }
  return ids;
}

function* linesOf(events: readonly BulkEvent[]): Generator<Uint8Array<ArrayBuffer>> {
  const encoder = new TextEncoder();
  for (let start = 0; start < events.length; start += LINES_AT_A_TIME) {
    const lines = events.slice(start, start + LINES_AT_A_TIME).map((event) =>
      JSON.stringify(event)
    );
    yield encoder.encode(lines.join("\n") + "\n");
  }
}
