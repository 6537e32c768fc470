/**
 * Reading an HTTP/1.1 answer off a bare connection.
 *
 * @module
 */

const CR_LF = "\r\n";
const HEAD_END = "\r\n\r\n";
const LATIN_1 = new TextDecoder("latin1");

/** Takes an answer apart, whatever pieces it comes in: its head first, then its chunked body. */
export class ChunkedBody {
  /** Status line and headers; empty until all of it has come. */
  head = "";
  /** Whether the end of the body has come, as HTTP marks it. */
  complete = false;
  #rest = new Uint8Array();
  /** Bytes of the present chunk that are still to come, its line end among them. */
  #chunkLeft = 0;

  /** Takes some bytes off the connection, and returns those of the body. */
  take(bytes: Uint8Array): Uint8Array[] {
    const body: Uint8Array[] = [];
    let input = this.#join(bytes);
    while (input.length > 0 && !this.complete) {
      if (this.#chunkLeft > 0) {
        const part = input.subarray(0, this.#chunkLeft);
        const payload = Math.max(0, this.#chunkLeft - CR_LF.length);
        if (payload > 0) body.push(part.subarray(0, payload));
        this.#chunkLeft -= part.length;
        input = input.subarray(part.length);
        continue;
      }
      const mark = this.head === "" ? HEAD_END : CR_LF;
      const line = upTo(input, mark);
      if (line === undefined) break;
      input = input.subarray(line.length + mark.length);
      if (this.head === "") this.head = line;
      else this.#startChunk(line);
    }
    this.#rest = input.slice();
    return body;
  }

  #startChunk(line: string): void {
    const size = parseInt(line, 16);
    this.complete = size === 0;
    this.#chunkLeft = size + CR_LF.length;
  }

  #join(bytes: Uint8Array): Uint8Array {
    if (this.#rest.length === 0) return bytes;
    const joined = new Uint8Array(this.#rest.length + bytes.length);
    joined.set(this.#rest);
    joined.set(bytes, this.#rest.length);
    return joined;
  }
}

/** The text before a mark, or `undefined` while the mark has not come. */
function upTo(bytes: Uint8Array, mark: string): string | undefined {
  const [first = 0] = new TextEncoder().encode(mark);
  for (let at = bytes.indexOf(first); at >= 0; at = bytes.indexOf(first, at + 1)) {
    if (at + mark.length > bytes.length) return undefined;
    if (LATIN_1.decode(bytes.subarray(at, at + mark.length)) === mark) {
      return LATIN_1.decode(bytes.subarray(0, at));
    }
  }
  return undefined;
}
