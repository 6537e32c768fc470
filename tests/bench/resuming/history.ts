/**
 * History for clients to resume: as many bytes on however many channels.
 *
 * @module
 */
import { emitAll } from "../../support/bulk_emit.ts";

/** Bytes of one event as its stream has it, `id:` line and all, give or take. */
const EVENT_BYTES = 300;
const DATA = "x".repeat(256);

/** The channels of a history, with names so short that 5,500 of them fit into a token that HTTP takes. */
export function channelNames(channels: number): readonly string[] {
  return Array.from({ length: channels }, (_, index) => `c${index.toString(36)}`);
}

/** How many events make up a history of about so many bytes. */
export function eventsIn(bytes: number): number {
  return Math.ceil(bytes / EVENT_BYTES);
}

/**
 * Publishes to all channels in turn.
 *
 * @returns the id of the last event.
 * @throws {Error} with the answer, where an event is refused.
 */
export async function fill(
  controlAddress: string,
  channels: readonly string[],
  events: number,
): Promise<string> {
  const control = (path: string, init?: RequestInit) =>
    fetch(`http://${controlAddress}${path}`, init);
  const ids = await emitAll(
    { control },
    Array.from({ length: events }, (_, index) => ({
      channel: String(channels[index % channels.length]),
      userId: "*",
      data: DATA,
    })),
  );
  return ids.at(-1) ?? "";
}
