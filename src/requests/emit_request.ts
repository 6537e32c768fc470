import { EVERYONE } from "../auth/subscription.ts";
import { BadField, TooLarge } from "../lib/errors.ts";
import { isName, NAME_RULE } from "../lib/names.ts";
import { blocksOf, dataBlock } from "../sse/blocks.ts";
import type { Draft } from "../sse/event.ts";
import { emitNote, type Note } from "./emit_note.ts";
import { type Fields, missing, optional, requiredName, similarField } from "./fields.ts";

/** A request to `/emit/`: the events of one payload, and a key that makes it safe to retry. */
export interface EmitRequest {
  readonly channel: string;
  readonly user: string;
  readonly drafts: readonly Draft[];
  readonly idempotencyKey: string | undefined;
  /** What its caller may have meant otherwise; `undefined` if nothing is to be said. */
  readonly note: Note | undefined;
}

/** Storing more events of one payload would hold up the server for seconds. */
const MAX_BLOCKS = 1000;

/**
 * Reads the fields of an emit.
 *
 * @param headerKey the `Idempotency-Key` header, which wins over the field.
 * @throws BadField naming the field that is missing or wrong, TooLarge for more than `maxPayloadBytes`.
 */
export function readEmit(
  fields: Fields,
  maxPayloadBytes: number,
  headerKey?: string,
): EmitRequest {
  const user = requiredName(fields, "userId", `the user's name, or ${EVERYONE} for everyone`);
  const channel = requiredName(fields, "channel", "the channel's name");
  const blocks = readBlocks(fields, maxPayloadBytes);
  return {
    channel,
    user,
    drafts: blocks.map((block) => ({ channel, user, block })),
    idempotencyKey: readKey(headerKey ?? optional(fields, "idempotencyKey")),
    note: emitNote(fields, blocks),
  };
}

function readBlocks(
  fields: Fields,
  maxPayloadBytes: number,
): readonly string[] {
  const payload = optional(fields, "payload");
  const data = optional(fields, "data");
  if (payload !== undefined && data !== undefined) {
    throw new BadField(
      "data",
      "Bad field data: give payload or data, not both.",
    );
  }
  if (data !== undefined) return [readData(fields, data, maxPayloadBytes)];
  for (const field of ["event", "retry"]) {
    if (fields.all(field).length > 0) {
      throw new BadField(
        field,
        `Bad field ${field}: it goes with data, not with payload.`,
      );
    }
  }
  if (payload === undefined) {
    const field = similarField(fields, "data") === undefined ? "payload" : "data";
    throw missing(fields, field, "lines of the event stream format; or give data, any text");
  }
  limitBytes("payload", payload, maxPayloadBytes);
  const blocks = blocksOf(payload);
  if (blocks.length === 0) {
    throw new BadField("payload", "Bad field payload: it is empty.");
  }
  if (blocks.length > MAX_BLOCKS) {
    throw new BadField(
      "payload",
      `Bad field payload: it is more than ${MAX_BLOCKS} events. Send them as NDJSON, one per line.`,
    );
  }
  return blocks;
}

function readData(
  fields: Fields,
  data: string,
  maxPayloadBytes: number,
): string {
  limitBytes("data", data, maxPayloadBytes);
  const event = optional(fields, "event") || undefined;
  const retry = optional(fields, "retry") || undefined;
  if (event !== undefined) {
    if (["\n", "\r", "\0"].some((mark) => event.includes(mark))) {
      throw new BadField(
        "event",
        "Bad field event: it must be one line without NUL.",
      );
    }
    limitBytes("event", event, maxPayloadBytes);
  }
  if (retry !== undefined && !/^[0-9]{1,10}$/.test(retry)) {
    throw new BadField(
      "retry",
      "Bad field retry: it must be a whole number of milliseconds.",
    );
  }
  return dataBlock(data, { event, retry });
}

function readKey(key: string | undefined): string | undefined {
  if (key === undefined || isName(key)) return key;
  throw new BadField(
    "idempotencyKey",
    `Bad field idempotencyKey: it, or the header Idempotency-Key, must be ${NAME_RULE}.`,
  );
}

const encoder = new TextEncoder();

function limitBytes(field: string, text: string, limit: number): void {
  // A UTF-16 unit takes one to three bytes of UTF-8, so most texts need not be encoded to be measured.
  if (text.length * 3 <= limit) return;
  if (text.length > limit || encoder.encode(text).length > limit) {
    throw new TooLarge(
      `Field ${field} is too large: more than ${limit} bytes (-max-payload).`,
    );
  }
}
