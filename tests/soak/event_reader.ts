import { createParser } from "npm:eventsource-parser@4.1.3";

/** Who is told of what a stream brings. */
export interface StreamListener {
  takeEvent(id: string, type: string, data: string): void;
  /** An id that came without an event. */
  takePosition(id: string): void;
}

const BLANK_LINE = "\n\n";

/** What the server sends between events to a client that may send headers: without a blank line. */
const BARE_POSITION = /(?:^|\n):[^\n]*\n(?:retry: \d+\n)?id: ([^\n]+)\n$/;

/**
 * Reads the events of one stream. As the standard has it, an id counts once the blank line behind it
 * has come: whoever is cut off before that has not got the event.
 */
export class EventReader {
  readonly #listener: StreamListener;
  readonly #decoder = new TextDecoder();
  readonly #parser;
  #rest = "";
  /** The id of lines that came since the last event. */
  #id: string | undefined;

  constructor(listener: StreamListener) {
    this.#listener = listener;
    this.#parser = createParser({
      onId: (id) => this.#id = id,
      onEvent: ({ event, data }) => {
        listener.takeEvent(this.#id ?? "", event ?? "message", data);
        this.#id = undefined;
      },
    });
  }

  /** Takes the next bytes of the stream. */
  take(bytes: Uint8Array): void {
    this.#rest += this.#decoder.decode(bytes, { stream: true });
    this.#takeWhole();
    const bare = BARE_POSITION.exec(this.#rest)?.[1];
    if (bare === undefined) return;
    this.#rest = "";
    this.#listener.takePosition(bare);
  }

  #takeWhole(): void {
    const end = this.#rest.lastIndexOf(BLANK_LINE);
    if (end < 0) return;
    const whole = this.#rest.slice(0, end + BLANK_LINE.length);
    this.#rest = this.#rest.slice(whole.length);
    this.#parser.feed(whole);
    if (this.#id !== undefined) this.#listener.takePosition(this.#id);
    this.#id = undefined;
  }
}
