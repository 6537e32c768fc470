import { ControlKeyRefused, RightMissing } from "../../lib/errors.ts";
import { encodeBlock, encodeLines } from "../../sse/encode.ts";
import type { Caller } from "../caller.ts";

const TICK_MS = 1000;

/** After so many ticks in which nothing was sent, a comment tells proxies that the stream is alive. */
const HEARTBEAT_TICKS = 15;

/** A stream takes more while no more than this is unsent. */
const UNSENT_BYTES = 65_536;

const HEADERS = {
  "Content-Type": "text/event-stream",
  "Cache-Control": "no-store, no-transform",
  "X-Accel-Buffering": "no",
};

/** A stream of events to an operator: JSON, and no ids, because nothing is sent again. */
export class ControlStream {
  readonly response: Response;
  #controller!: ReadableStreamDefaultController<Uint8Array>; // Set in the constructor, by `start`.
  #isEnded = false;
  #quietTicks = 0;
  readonly #ended: () => void;

  /** @param ended comes once, however the stream ended. */
  constructor(ended: () => void) {
    this.#ended = ended;
    const body = new ReadableStream<Uint8Array>({
      start: (controller) => {
        this.#controller = controller;
      },
      cancel: () => this.#finish(),
    }, { highWaterMark: UNSENT_BYTES, size: (chunk) => chunk?.length ?? 0 });
    this.response = new Response(body, { headers: HEADERS });
    // So that a client, and each proxy on the way, has the answer's headers at once.
    this.#write(encodeLines(": connected"));
  }

  get isEnded(): boolean {
    return this.#isEnded;
  }

  /** Whether the client has taken enough of what it was sent to be sent more. */
  get hasRoom(): boolean {
    return !this.#isEnded && (this.#controller.desiredSize ?? 0) > 0;
  }

  /** Sends an event; nothing if the stream has ended. */
  send(type: string, data: object): void {
    if (!this.#isEnded) this.#write(encodeBlock(`event: ${type}`, `data: ${JSON.stringify(data)}`));
  }

  /** Ends the stream; the client may come back. */
  end(): void {
    if (this.#isEnded) return;
    this.#controller.close();
    this.#finish();
  }

  /** Comes about once a second. */
  tick(): void {
    if (++this.#quietTicks >= HEARTBEAT_TICKS && this.hasRoom) this.#write(encodeLines(":"));
  }

  #write(bytes: Uint8Array): void {
    this.#quietTicks = 0;
    this.#controller.enqueue(bytes);
  }

  #finish(): void {
    if (this.#isEnded) return;
    this.#isEnded = true;
    this.#ended();
  }
}

/**
 * The streams of the control listener. A stream ends when its caller's key is gone, or may no longer read,
 * and when the server stops. While none is open, no timer runs.
 */
export class ControlStreams {
  /** By whom each was opened. */
  readonly #open = new Map<ControlStream, Caller>();
  #timer: ReturnType<typeof setInterval> | undefined;
  #isClosed = false;

  /**
   * Opens a stream for a caller, which its route has found to have the right to read.
   *
   * @param ended comes once, however the stream ended.
   */
  open(caller: Caller, ended: () => void): ControlStream {
    const stream: ControlStream = new ControlStream(() => {
      this.#forget(stream);
      ended();
    });
    this.#open.set(stream, caller);
    this.#timer ??= setInterval(() => this.#tick(), TICK_MS);
    // Not at once: whoever opens it has not got it yet.
    if (this.#isClosed) queueMicrotask(() => stream.end());
    return stream;
  }

  /** Ends every stream, and those that are opened from now on. */
  close(): void {
    this.#isClosed = true;
    for (const stream of this.#open.keys()) stream.end();
  }

  #tick(): void {
    for (const [stream, caller] of this.#open) {
      if (mayRead(caller)) stream.tick();
      else stream.end();
    }
  }

  #forget(stream: ControlStream): void {
    this.#open.delete(stream);
    if (this.#open.size > 0) return;
    clearInterval(this.#timer);
    this.#timer = undefined;
  }
}

/** Whether a caller may still read: the file of control keys may have changed. */
function mayRead(caller: Caller): boolean {
  try {
    caller.require("read");
    return true;
  } catch (error) {
    if (error instanceof ControlKeyRefused || error instanceof RightMissing) return false;
    throw error;
  }
}
