import type { Claims } from "../auth/claims.ts";
import { channelsKeyOf } from "../auth/subscription.ts";
import type { ReadStart } from "../broker/history_reader.ts";
import type { ServerEvent } from "../sse/event.ts";

/** What a subscriber needs of the hub. */
export interface SubscriberSource {
  /** The subscriber is behind and has room for more: reads on from the log for it, soon. */
  catchUp(subscriber: Subscriber): void;
  /** The client, or a proxy between, has closed the connection. */
  left(subscriber: Subscriber): void;
}

/** Where a subscriber starts: live at the head, whose seq that is, or behind the last event that its client has. */
export type SubscriberStart = { readonly head: number } | { readonly lastEventId: string };

/**
 * While fewer bytes than this wait, a subscriber that is behind is given more to read. Small,
 * because each of thousands that catch up at once holds as much; large enough for few reads.
 */
export const CATCH_UP_BYTES = 65_536;

/**
 * One open stream, and its position in the log.
 *
 * A live subscriber is pushed to. It falls behind when it has just resumed, or when a push would
 * take its unsent bytes over their bound; then nothing is pushed, and it catches up from the log as
 * its client takes bytes, until it is live again.
 */
export class Subscriber {
  readonly claims: Claims;
  /** Whether its client may be a browser's own EventSource. */
  readonly isEventSource: boolean;
  /** Equal for subscribers that hear the same channels. */
  readonly channelsKey: string;
  readonly body: ReadableStream<Uint8Array>;
  /** On the clock of `isStalled`. */
  readonly openedAt: number;
  readonly #source: SubscriberSource;
  readonly #maxBufferBytes: number;
  #controller!: ReadableStreamDefaultController<Uint8Array>; // Set by start(), which runs in the constructor.
  #isLive: boolean;
  /** The last event id that its client came with, until it has been given something. */
  #lastEventId: string | undefined;
  #position: number;
  #gapReportedThrough: number;
  /** Events for its user alone that the next flush of their channel sends. */
  #pending: ServerEvent[] = [];
  /** Unsettled while the stream has asked for bytes that it has not been given; see `pull` below. */
  #asked: PromiseWithResolvers<void> | undefined;
  #isEnded = false;
  #isCancelled = false;
  #bytesWritten = 0;
  #takenBefore = 0;
  #progressAt: number;

  /** @param options.nowMs the time on the clock that `isStalled` is asked with later. */
  constructor(
    claims: Claims,
    start: SubscriberStart,
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
    this.channelsKey = channelsKeyOf(claims);
    this.#source = options.source;
    this.#maxBufferBytes = options.maxBufferBytes;
    this.openedAt = this.#progressAt = options.nowMs;
    this.#isLive = "head" in start;
    this.#lastEventId = "head" in start ? undefined : start.lastEventId;
    this.#position = this.#gapReportedThrough = "head" in start ? start.head : -1;
    this.body = new ReadableStream({
      start: (controller) => {
        this.#controller = controller;
        this.#write(options.greeting);
      },
      // The stream asks again only after this promise is settled. A live subscriber leaves it
      // unsettled, so that pushing costs no asking; one that catches up settles it with each batch.
      pull: () => this.#pull(),
      cancel: () => this.#cancel(),
    }, { highWaterMark: CATCH_UP_BYTES, size: (chunk) => chunk.length });
  }

  /** The seq up to which it has been given everything that it hears. */
  get position(): number {
    return this.#position;
  }

  get isLive(): boolean {
    return this.#isLive;
  }

  get isEnded(): boolean {
    return this.#isEnded;
  }

  /** Bytes that the runtime has not taken yet; it and the kernel hold some more. */
  get unsentBytes(): number {
    return this.#isEnded ? 0 : CATCH_UP_BYTES - (this.#controller.desiredSize ?? CATCH_UP_BYTES);
  }

  /** Whether its stream has asked for bytes and not been given any since. */
  get isWaiting(): boolean {
    return this.#asked !== undefined && !this.#isEnded;
  }

  /** Whether events for its user alone wait for a flush. */
  get hasPending(): boolean {
    return this.#pending.length > 0;
  }

  /** The last event id that its client came with; `undefined` once it has been given something. */
  get resumedFrom(): string | undefined {
    return this.#lastEventId;
  }

  /** Where a reader of its history starts. */
  get readStart(): ReadStart {
    if (this.#lastEventId !== undefined) return { lastEventId: this.#lastEventId };
    return { position: this.#position, gapReportedThrough: this.#gapReportedThrough };
  }

  /** Notes an event for its user alone, for the next flush. */
  addPending(event: ServerEvent): void {
    this.#pending.push(event);
  }

  /** The noted events, which are forgotten. */
  takePending(): readonly ServerEvent[] {
    const pending = this.#pending;
    if (pending.length > 0) this.#pending = [];
    return pending;
  }

  /**
   * Pushes events to a live subscriber; one that has no room for them falls behind instead.
   *
   * @param from the seq of the first: it has missed nothing before.
   * @param through the seq of the last.
   */
  deliver(bytes: Uint8Array, from: number, through: number): void {
    if (this.#isEnded) return;
    this.#gapReportedThrough = from - 1;
    if (this.unsentBytes + bytes.length > this.#maxBufferBytes) return this.#fallBehind();
    this.#write(bytes);
    this.#position = through;
  }

  /** Gives it the next part of history; `bytes` may be empty where there was nothing that it hears. */
  replay(bytes: Uint8Array, through: number): void {
    if (this.#isEnded) return;
    this.#lastEventId = undefined;
    this.#position = through;
    if (bytes.length > 0) this.#answer(bytes);
  }

  /** Tells it that events up to a seq, which it may have heard, are gone. */
  reportGap(bytes: Uint8Array, through: number): void {
    if (this.#isEnded) return;
    this.#gapReportedThrough = through;
    this.#answer(bytes);
  }

  /** It has been given everything: from here on it is pushed to. */
  goLive(): void {
    this.#isLive = true;
  }

  /**
   * Events between the head and what comes next are missing: a live subscriber reads on from there.
   *
   * @param head the log's newest seq so far.
   */
  interrupt(head: number): void {
    if (!this.#isLive) return;
    this.#position = this.#gapReportedThrough = head;
    this.#fallBehind();
  }

  /** Its position means nothing any more: it goes on from an id, unless from the one that it came with. */
  resumeFrom(lastEventId: string): void {
    this.#lastEventId ??= lastEventId;
  }

  /**
   * Sends a heartbeat, unless bytes that wait already say that the stream is alive.
   *
   * @param position where it is in the log, all that it hears up to there having been sent.
   */
  beat(comment: Uint8Array, position: number): void {
    if (this.#isEnded || this.unsentBytes > 0) return;
    this.#write(comment);
    this.#position = position;
  }

  /** Whether bytes have been waiting for `stallMs` of which the client took none. */
  isStalled(nowMs: number, stallMs: number): boolean {
    const taken = this.#bytesWritten - this.unsentBytes;
    if (taken !== this.#takenBefore || this.unsentBytes === 0) {
      this.#takenBefore = taken;
      this.#progressAt = nowMs;
    }
    return nowMs - this.#progressAt >= stallMs;
  }

  /** Ends the stream after what is unsent and these last bytes. */
  end(lastBytes: Uint8Array): void {
    if (this.#isEnded) return;
    // Before the bytes: taking them, the stream may ask for more at once.
    this.#isEnded = true;
    this.#write(lastBytes);
    // Taking the bytes, the runtime may find that the client has left, and cancel the stream at once.
    if (!this.#isCancelled) this.#controller.close();
  }

  /** Ends the stream at once and drops what is unsent; the client sees a broken connection. */
  abort(reason: string): void {
    if (this.#isEnded) return;
    this.#isEnded = true;
    const error = new Error(reason);
    // Deno 2.9.6 prints the error when the connection closes: one line instead of a stack.
    error.stack = reason;
    this.#controller.error(error);
  }

  #pull(): Promise<void> | undefined {
    if (this.#isEnded) return undefined;
    this.#asked = Promise.withResolvers();
    if (!this.#isLive) this.#source.catchUp(this);
    return this.#asked.promise;
  }

  #cancel(): void {
    this.#isCancelled = true;
    if (this.#isEnded) return;
    this.#isEnded = true;
    this.#source.left(this);
  }

  #fallBehind(): void {
    this.#isLive = false;
    if (this.#asked === undefined) return; // The stream asks once its client has taken enough.
    if ((this.#controller.desiredSize ?? 0) > 0) this.#source.catchUp(this);
    else this.#settle();
  }

  /** Writes what the stream has asked for: it may ask again. */
  #answer(bytes: Uint8Array): void {
    this.#write(bytes);
    this.#settle();
  }

  #settle(): void {
    this.#asked?.resolve();
    this.#asked = undefined;
  }

  #write(bytes: Uint8Array): void {
    this.#bytesWritten += bytes.length;
    this.#controller.enqueue(bytes);
  }
}
