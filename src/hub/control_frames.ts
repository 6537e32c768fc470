import type { DisconnectReason } from "./disconnect_reason.ts";
import { encodeBlock, encodeLines } from "../sse/encode.ts";

/** The type of the event that a stream begins with, where its client asks for one. */
export const HELLO_EVENT = "hello";

/** What decides how a client is told its position. */
export interface ClientTraits {
  /** Whether the client may be a browser's own EventSource, which cannot send `Authorization`. */
  readonly isEventSource: boolean;
  /** Whether each stream of the client begins with an event of type {@link HELLO_EVENT}. Default: false. */
  readonly wantsHello?: boolean;
}

/**
 * The bytes that the server itself writes into streams. Some carry an id, the client's position in
 * the log: a client that is cut off before its first event, or that gets few events of a busy log,
 * resumes from there.
 *
 * A browser's own EventSource keeps such an id once a blank line follows, and dispatches nothing
 * (HTML Standard, 9.2.6). Clients that can send headers get no blank line: some of them
 * (@microsoft/fetch-event-source) keep the id at once, and would pass the blank line to the page as
 * an empty message. Clients that keep an id only with an event may ask for such an event.
 */
export class ControlFrames {
  readonly #retryMs: number;

  /** @param retryMs the mean reconnection time. */
  constructor(retryMs: number) {
    this.#retryMs = retryMs;
  }

  /**
   * The first bytes of a stream.
   *
   * @param id the client's position; `undefined` for a client that brought a last event id.
   */
  greeting(id: string | undefined, client: ClientTraits): Uint8Array<ArrayBuffer> {
    return firstFrame(id, client, ": connected", this.#retry());
  }

  /** Shows that the stream is alive. @param id the client's new position, if it has one. */
  heartbeat(id: string | undefined, isEventSource: boolean): Uint8Array<ArrayBuffer> {
    return withId(id, isEventSource, ":");
  }

  /** The whole stream of a client that is rejected: when to reconnect, and from where. */
  reject(
    reason: DisconnectReason,
    id: string | undefined,
    client: ClientTraits,
  ): Uint8Array<ArrayBuffer> {
    return firstFrame(id, client, this.#retry(), `: ${reason}`);
  }

  /** The last bytes of a stream whose client may reconnect; or all, while there is no log yet to have a place in. */
  closeNotice(reason: DisconnectReason | "starting"): Uint8Array<ArrayBuffer> {
    return encodeLines(this.#retry(), `: ${reason}`);
  }

  /** Varied from half to one and a half of the mean, so that clients do not all reconnect at once. */
  #retry(): string {
    return `retry: ${Math.round(this.#retryMs * (0.5 + Math.random()))}`;
  }
}

function firstFrame(
  id: string | undefined,
  { isEventSource, wantsHello }: ClientTraits,
  ...lines: readonly string[]
): Uint8Array<ArrayBuffer> {
  if (!wantsHello) return withId(id, isEventSource, ...lines);
  const data = JSON.stringify({ lastEventId: id });
  const idLine = id === undefined ? [] : [`id: ${id}`];
  return encodeBlock(...lines, `event: ${HELLO_EVENT}`, `data: ${data}`, ...idLine);
}

function withId(
  id: string | undefined,
  isEventSource: boolean,
  ...lines: readonly string[]
): Uint8Array<ArrayBuffer> {
  if (id === undefined) return encodeLines(...lines);
  return (isEventSource ? encodeBlock : encodeLines)(...lines, `id: ${id}`);
}
