import type { ChannelWatcher, EventTap } from "../../broker/event_tap.ts";
import { checkName } from "../../requests/fields.ts";
import { linesOf } from "../../sse/blocks.ts";
import type { ServerEvent } from "../../sse/event.ts";
import { formatId, seqTime } from "../../sse/log_position.ts";
import type { RouteHandler } from "../router.ts";
import type { ControlStream, ControlStreams } from "./control_streams.ts";

/** What tailing a channel works with. */
export interface TailDeps {
  readonly tap: EventTap;
  readonly controlStreams: ControlStreams;
  /** Whether an operator may see payloads. */
  readonly peek: boolean;
}

/** Events are sent together, this long after the first: a person does not notice it. */
const PAUSE_MS = 100;

/** What may wait to be sent. More is skipped, so that a tail costs little, however busy its channel is. */
const MOST_WAITING = 100;
const MOST_WAITING_BYTES = 262_144;

/** A longer payload is cut: the tail is for a person to read. */
const MOST_SHOWN_BYTES = 16_384;

/** An event as a tail shows it. */
interface TailedEvent {
  /** The server's id. */
  readonly id: string;
  /** The id in the payload, which clients see instead; absent if there is none. */
  readonly payloadId?: string;
  readonly time: string;
  /** A user's name, or `*` for everyone. */
  readonly user: string;
  readonly type: string;
  readonly sizeBytes: number;
  /** The lines of the event, as they were sent; absent with `-no-peek`. */
  readonly payload?: string;
  /** Whether the payload is longer than what is shown. */
  readonly isCut?: true;
}

/** `GET /channels/:name/events`: a channel's events, for every user, as they are published. */
export function tailChannelHandler({ tap, controlStreams, peek }: TailDeps): RouteHandler {
  return ({ caller, name }) => {
    checkName("channel", name);
    const stream = controlStreams.open(caller, () => {
      unwatch();
      tail.close();
    });
    const tail = new ChannelTail(stream, peek);
    const unwatch = tap.watch(name, tail);
    return stream.response;
  };
}

/** Gathers a channel's events for a stream. */
class ChannelTail implements ChannelWatcher {
  readonly #stream: ControlStream;
  readonly #peek: boolean;
  readonly #waiting: { readonly event: ServerEvent; readonly epoch: string }[] = [];
  #waitingBytes = 0;
  /** Events that came while the rest had to wait. */
  #skipped = 0;
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(stream: ControlStream, peek: boolean) {
    this.#stream = stream;
    this.#peek = peek;
  }

  see(event: ServerEvent, epoch: string): void {
    const isFull = this.#waiting.length >= MOST_WAITING ||
      this.#waiting.length > 0 && this.#waitingBytes + event.size > MOST_WAITING_BYTES;
    // Once some are skipped all are, up to the next sending: the tail shows no event after one it left out.
    if (isFull || this.#skipped > 0) this.#skipped++;
    else {
      this.#waiting.push({ event, epoch });
      this.#waitingBytes += event.size;
    }
    this.#timer ??= setTimeout(() => this.#send(), PAUSE_MS);
  }

  missed(): void {
    this.#send();
    this.#stream.send("missing", {});
  }

  close(): void {
    clearTimeout(this.#timer);
    this.#waiting.length = 0;
  }

  #send(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    if (this.#stream.isEnded) return;
    let sent = 0;
    for (const { event, epoch } of this.#waiting) {
      if (!this.#stream.hasRoom) break;
      this.#stream.send("event", describe(event, epoch, this.#peek));
      this.#waitingBytes -= event.size;
      sent++;
    }
    this.#waiting.splice(0, sent);
    if (this.#waiting.length > 0 || this.#skipped > 0 && !this.#stream.hasRoom) {
      // Its reader is slow, and may be gone.
      this.#timer = setTimeout(() => this.#send(), PAUSE_MS);
      return;
    }
    if (this.#skipped > 0) this.#stream.send("skipped", { events: this.#skipped });
    this.#skipped = 0;
  }
}

function describe(event: ServerEvent, epoch: string, peek: boolean): TailedEvent {
  const { seq, user, publisherId, bytes, size } = event;
  const isCut = size > MOST_SHOWN_BYTES;
  // With `stream`, a character that is cut in two is left out.
  const text = new TextDecoder().decode(bytes.subarray(0, MOST_SHOWN_BYTES), { stream: true });
  const id = formatId(seq, epoch);
  const lines = linesOf(text).filter((line) => line !== "" && line !== `id: ${id}`);
  return {
    id,
    ...(publisherId !== undefined && { payloadId: publisherId }),
    time: new Date(seqTime(seq)).toISOString(),
    user,
    type: typeOf(lines),
    sizeBytes: size,
    ...(peek && { payload: lines.join("\n"), ...(isCut && { isCut }) }),
  };
}

/** The type that a browser dispatches an event as. */
function typeOf(lines: readonly string[]): string {
  const line = lines.findLast((line) => line === "event" || line.startsWith("event:")) ?? "";
  return line.replace(/^event:? ?/, "") || "message";
}
