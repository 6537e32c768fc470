import type { Claims } from "../auth/claims.ts";
import type { ServerEvent } from "../sse/event.ts";

/** What a subscriber needs of those who source it. */
export interface SubscriberSource {
  /** Reads on from the log and calls `source`, `goLive` or `end`; called when there is room for more. */
  catchUp(subscriber: Subscriber): void | Promise<void>;
  /** The client, or a proxy between, has closed the connection. */
  left(subscriber: Subscriber): void;
}

/** Where a subscriber starts: at the head, with the seq of that, or behind the last event id it came with. */
export type Start =
  | { readonly position: number; readonly resumedFrom?: undefined }
  | { readonly resumedFrom: string };

/**
 * While fewer bytes than this wait, a subscriber that is behind is given more to read. Small,
 * because each of thousands that catch up at once holds as much; large enough for few reads.
 */
const READ_ON_BELOW = 65_536;

/**
 * One open stream, and its cursor into the log.
 *
 * At the head of the log it is pushed to. It falls behind when it has just resumed, or when a push
 * would take its unsent bytes over their bound; then nothing is pushed, and it reads on from the
 * log as its client takes bytes, until it is at the head again.
 */
export class Subscriber {
  readonly claims: Claims;
  /** Whether its client may be a browser's own EventSource. */
  readonly isEventSource: boolean;
  /** Equal for subscribers that hear the same channels. */
  readonly channelsKey: string;
  readonly body: ReadableStream<Uint8Array>;
  /** Events for its user alone that the next flush of their channel sends. */
  pending: ServerEvent[] = [];
  /** Up to this seq it has missed nothing of which it has not been told. */
  gapReportedThrough: number;
  /** The last event id that it goes on from, until it has been given something. */
  resumedFrom: string | undefined;
  #isPlaced: boolean;
  #position: number;
  readonly #maxBufferBytes: number;
  #controller!: ReadableStreamDefaultController<Uint8Array>; // Set by start(), which runs in the constructor.
  /** Pending while at the head, so that the stream asks for nothing; see `pull` below. */
  #live: PromiseWithResolvers<void> | undefined;
  #ended = false;
  #cancelled = false;
  #bytesFed = 0;
  #takenBefore = 0;
  #progressAt: number;
  /** On the clock of `isStalled`. */
  readonly openedAt: number;

  /** @param nowMs the time on the clock that `isStalled` is asked with later. */
  constructor(
    claims: Claims,
    start: Start,
    options: {
      readonly isEventSource: boolean;
      readonly greeting: Uint8Array;
      readonly maxBufferBytes: number;
      readonly source: SubscriberSource;
      readonly nowMs: number;
    },
  ) {
    this.claims = claims;
    this.isEventSource = options.isEventSource;
    this.channelsKey = JSON.stringify(claims.channels.toSorted());
    this.resumedFrom = start.resumedFrom;
    this.#isPlaced = start.resumedFrom === undefined;
    this.#position = this.gapReportedThrough = start.resumedFrom === undefined
      ? start.position
      : -1;
    this.#maxBufferBytes = options.maxBufferBytes;
    this.openedAt = options.nowMs;
    this.#progressAt = options.nowMs;
    if (start.resumedFrom === undefined) this.#live = Promise.withResolvers();
    const { source } = options;
    this.body = new ReadableStream({
      start: (controller) => {
        this.#controller = controller;
        this.#write(options.greeting);
      },
      // The stream asks again only after this promise is settled. While it is pending, pushing
      // costs no asking; settling it is what makes the stream ask once its client has taken enough.
      pull: () => this.#pull(source),
      cancel: () => {
        this.#cancelled = true;
        if (this.#ended) return;
        this.#ended = true;
        source.left(this);
      },
    }, { highWaterMark: READ_ON_BELOW, size: (chunk) => chunk.length });
  }

  /** The seq up to which it has been given everything it hears. */
  get position(): number {
    return this.#position;
  }

  get isLive(): boolean {
    return this.#live !== undefined;
  }

  get ended(): boolean {
    return this.#ended;
  }

  /** Bytes that the runtime has not taken yet; it and the kernel hold some more. */
  get unsentBytes(): number {
    return this.#ended ? 0 : READ_ON_BELOW - (this.#controller.desiredSize ?? READ_ON_BELOW);
  }

  /** Gives events to a subscriber at the head; one that has no room for them falls behind instead. */
  push(bytes: Uint8Array, through: number): void {
    if (this.unsentBytes + bytes.length > this.#maxBufferBytes) {
      this.fallBehind(this.#position);
    } else this.enqueue(bytes, through);
  }

  /** Gives bytes that bring it to a position. */
  enqueue(bytes: Uint8Array, through: number): void {
    if (this.#ended) return;
    this.#write(bytes);
    this.#position = through;
  }

  /** Whether its position is known; where it is not, the log has to be asked for the place of `resumedFrom`. */
  get isPlaced(): boolean {
    return this.#isPlaced;
  }

  /** It starts, or starts again, from a position that it was told is its own; -1 for one unknown to the log. */
  startAt(position: number): void {
    this.#isPlaced = true;
    this.#position = this.gapReportedThrough = position;
  }

  /** Its position means nothing any more: it goes on from an id, unless from one that it came with. */
  resumeFrom(id: string): void {
    this.resumedFrom ??= id;
    this.#isPlaced = false;
  }

  /** It has been given all that it hears up to a position. */
  moveTo(position: number): void {
    this.#position = position;
  }

  /** From here on it reads on from the log, from a position up to which it has everything. */
  fallBehind(position: number): void {
    const live = this.#live;
    this.#position = position;
    this.#live = undefined;
    live?.resolve();
  }

  /** It has read everything: from here on it is pushed to. */
  goLive(position: number): void {
    if (this.#ended) return;
    this.#position = position;
    this.#live = Promise.withResolvers();
  }

  /**
   * Sends a heartbeat, unless bytes that wait already say that the stream is alive.
   *
   * @param position where it is in the log, all that it hears up to there having been sent.
   */
  beat(comment: Uint8Array, position: number): void {
    if (this.#ended || this.unsentBytes > 0) return;
    this.enqueue(comment, position);
  }

  /** Whether bytes have been waiting for `stallMs` of which the client took none. */
  isStalled(nowMs: number, stallMs: number): boolean {
    const taken = this.#bytesFed - this.unsentBytes;
    if (taken !== this.#takenBefore || this.unsentBytes === 0) {
      this.#takenBefore = taken;
      this.#progressAt = nowMs;
    }
    return nowMs - this.#progressAt >= stallMs;
  }

  /** Ends the stream after what is unsent and these last bytes. */
  end(lastBytes: Uint8Array): void {
    if (this.#ended) return;
    // Before the bytes: taking them, the stream may ask for more at once.
    this.#ended = true;
    this.#write(lastBytes);
    // Taking the bytes, the runtime may find that the client has left, and cancel the stream at once.
    if (!this.#cancelled) this.#controller.close();
  }

  /** Ends the stream at once and drops what is unsent; the client sees a broken connection. */
  abort(reason: Error): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#controller.error(reason);
  }

  /**
   * Is done once bytes have come, or there is no room for more. A turn that brought nothing would be
   * the last: the stream asks again only after bytes, or for a client that begins to wait.
   */
  #pull(source: SubscriberSource): void | Promise<void> {
    if (this.#ended) return;
    if (this.#live !== undefined) {
      return this.#live.promise.then(() => {
        if ((this.#controller.desiredSize ?? 0) > 0) return this.#pull(source);
      });
    }
    const fedBefore = this.#bytesFed;
    const reading = source.catchUp(this);
    const goOn = () => this.#bytesFed === fedBefore ? this.#pull(source) : undefined;
    return reading === undefined ? goOn() : reading.then(goOn);
  }

  #write(bytes: Uint8Array): void {
    this.#bytesFed += bytes.length;
    this.#controller.enqueue(bytes);
  }
}
