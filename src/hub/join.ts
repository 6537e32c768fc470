import type { ServerEvent } from "../words/event.ts";

/** The bytes of events, one behind the other. */
export function joinEvents(events: readonly ServerEvent[]): Uint8Array {
  const [only] = events;
  if (only !== undefined && events.length === 1) return only.bytes;
  const joined = new Uint8Array(
    events.reduce((sum, event) => sum + event.bytes.length, 0),
  );
  let at = 0;
  for (const { bytes } of events) {
    joined.set(bytes, at);
    at += bytes.length;
  }
  return joined;
}
