import type { DisconnectReason } from "./disconnect_reason.ts";
import { encodeBlock, encodeLines } from "../sse/encode.ts";

/**
 * What the server itself says in streams, and with it where a client is in the log: one that is cut
 * off before its first event, or that hears little in a busy channel, resumes from there.
 *
 * A browser's own EventSource keeps such an id once a blank line follows, and dispatches nothing
 * (HTML Standard, 9.2.6). Of the clients that can send headers some keep it at once, and would hand
 * the page that blank line as an empty message (@microsoft/fetch-event-source): they are given none.
 */
export class ControlFrames {
  readonly #retryMs: number;

  constructor(retryMs: number) {
    this.#retryMs = retryMs;
  }

  /**
   * The first bytes of a stream.
   *
   * @param place the id of the client's place, where it does not have one.
   * @param native whether the client is a browser's own EventSource.
   */
  greeting(place: string | undefined, isEventSource: boolean): Uint8Array<ArrayBuffer> {
    return withPlace(place, isEventSource, ": connected", this.#retry());
  }

  /** Says that the stream is alive. */
  heartbeat(place: string | undefined, isEventSource: boolean): Uint8Array<ArrayBuffer> {
    return withPlace(place, isEventSource, ":");
  }

  /** The whole stream of a client that gets no other: when to come back, and from where. */
  reject(
    ending: DisconnectReason,
    place: string | undefined,
    isEventSource: boolean,
  ): Uint8Array<ArrayBuffer> {
    return withPlace(place, isEventSource, this.#retry(), `: ${ending}`);
  }

  /** The last bytes of a stream whose client may come back. */
  closeNotice(ending: DisconnectReason): Uint8Array<ArrayBuffer> {
    return encodeLines(this.#retry(), `: ${ending}`);
  }

  /** Half to one and a half of the time set, so that those who are told it do not come back all at once. */
  #retry(): string {
    return `retry: ${Math.round(this.#retryMs * (0.5 + Math.random()))}`;
  }
}

function withPlace(
  place: string | undefined,
  isEventSource: boolean,
  ...lines: readonly string[]
): Uint8Array<ArrayBuffer> {
  if (place === undefined) return encodeLines(...lines);
  return (isEventSource ? encodeBlock : encodeLines)(...lines, `id: ${place}`);
}
