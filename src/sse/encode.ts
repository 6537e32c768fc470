const encoder = new TextEncoder();

/** A block of what the server itself has to say in a stream, closed by a blank line. */
export function encodeBlock(...lines: readonly string[]): Uint8Array<ArrayBuffer> {
  return encoder.encode(lines.join("\n") + "\n\n");
}

/**
 * Comments and `retry:` lines, which take effect without a blank line. They have none because some
 * clients (@microsoft/fetch-event-source) hand each blank line to the page as a message without data.
 */
export function encodeLines(...lines: readonly string[]): Uint8Array<ArrayBuffer> {
  return encoder.encode(lines.join("\n") + "\n");
}
