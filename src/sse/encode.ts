const encoder = new TextEncoder();

/** A block that the server itself writes into a stream, with a blank line at its end. */
export function encodeBlock(...lines: readonly string[]): Uint8Array<ArrayBuffer> {
  return encoder.encode(lines.join("\n") + "\n\n");
}

/**
 * Comments and `retry:` lines, which take effect without a blank line. They have none because some
 * clients (@microsoft/fetch-event-source) pass each blank line to the page as a message without data.
 */
export function encodeLines(...lines: readonly string[]): Uint8Array<ArrayBuffer> {
  return encoder.encode(lines.join("\n") + "\n");
}
