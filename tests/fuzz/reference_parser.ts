/**
 * A parser of event streams that follows the HTML Standard (9.2.6) line by line, and shares no code with the
 * server or with the parser of the other tests.
 *
 * @module
 */

/** An event that a browser would dispatch. */
export interface DispatchedEvent {
  readonly type: string;
  readonly data: string;
}

/** The events of a whole stream. An event that the stream's end cuts off is not dispatched. */
export function dispatched(stream: string): DispatchedEvent[] {
  const events: DispatchedEvent[] = [];
  let data = "";
  let type = "";
  const lines = stream.replace(/^\uFEFF/, "").split(/\r\n|\r|\n/);
  lines.pop(); // It has no end yet.
  for (const line of lines) {
    if (line === "") {
      if (data !== "") events.push({ type: type || "message", data: data.slice(0, -1) });
      data = type = "";
      continue;
    }
    const colon = line.indexOf(":");
    if (colon === 0) continue;
    const field = colon < 0 ? line : line.slice(0, colon);
    const value = colon < 0 ? "" : line.slice(colon + 1).replace(/^ /, "");
    if (field === "event") type = value;
    else if (field === "data") data += `${value}\n`;
  }
  return events;
}
