/** Something that the server must never do. */
export class Finding extends Error {
  override readonly name = "Finding";

  /**
   * @param what in a sentence.
   * @param sent what did it, if that is known: bytes of one or several requests.
   */
  constructor(what: string, readonly sent?: Uint8Array | string) {
    super(what);
  }

  /** What did it, in a form that can be pasted into a test: a text, where each character is a byte. */
  get reproduction(): string | undefined {
    if (this.sent === undefined) return undefined;
    const text = typeof this.sent === "string" ? this.sent : binaryText(this.sent);
    return JSON.stringify(text).replace(
      /[\x7f-\uffff]/g,
      (unit) => "\\u" + unit.charCodeAt(0).toString(16).padStart(4, "0"),
    );
  }
}

const LONGEST = 200_000;

/** Bytes as a text, a character a byte; `TextDecoder("latin1")` would be Windows-1252. */
export function binaryText(bytes: Uint8Array): string {
  let text = "";
  for (const byte of bytes.subarray(0, LONGEST)) text += String.fromCharCode(byte);
  return text;
}

/** Throws a finding unless something holds. */
export function expect(
  holds: boolean,
  what: () => string,
  sent?: Uint8Array | string,
): asserts holds {
  if (!holds) throw new Finding(what(), sent);
}
