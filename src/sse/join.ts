import { concatBytes } from "../lib/bytes.ts";
import type { ServerEvent } from "./event.ts";

/** The bytes of events, one after the other. */
export function joinEvents(events: readonly ServerEvent[]): Uint8Array {
  const [only] = events;
  if (only !== undefined && events.length === 1) return only.bytes;
  return concatBytes(events.map(({ bytes }) => bytes));
}
