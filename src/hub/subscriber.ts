import type { Claims } from "../auth/claims.ts";
import { channelsKeyOf } from "../auth/subscription.ts";
import type { ReadStart } from "../broker/history_reader.ts";
import type { ServerEvent } from "../sse/event.ts";
import type { ClientOrigin } from "./client_origin.ts";
import { type StreamProgress, type ToldGap, withGap } from "./stream_progress.ts";

/** What a subscriber needs from the hub. */
export interface SubscriberSource {
  /** Reads the next batch of history for a subscriber that is catching up and has room for it. */
  catchUp(subscriber: Subscriber): void;
  /** A live subscriber catches up from now on. */
  fellBehind(): void;
  /** A subscriber that caught up is live from now on. */
  caughtUp(): void;
  /** The client, or a proxy on the way, has closed the connection. */
  left(subscriber: Subscriber): void;
}

/** Where a subscriber starts: live at the head, or catching up from its client's last event id. */
export interface SubscriberStart {
  /** The log's newest seq. */
  readonly head: number;
  readonly lastEventId?: string | undefined;
}

/**
 * A subscriber that is catching up gets the next batch while fewer bytes than this are unsent. Small,
 * because each of thousands that catch up at once holds as much; large enough for few reads.
 */
export const CATCH_UP_BYTES = 65_536;

/** A longer last event id is not kept for those who ask later. */
const MAX_KEPT_ID = 256;

const NO_GAPS: readonly ToldGap[] = [];

/**
 * One open stream, and its position in the log.
 *
 * The hub pushes events to a live subscriber. A subscriber catches up when it has just resumed, or
 * when a push would take its unsent bytes over their bound. It then gets history as fast as its
 * client accepts bytes, and goes live at the head.
 */
export class Subscriber {
  /** Names the stream among those of all servers. */
  readonly id: string;
  readonly claims: Claims;
  readonly origin: ClientOrigin | undefined;
  /** Whether its client may be a browser's own EventSource. */
  readonly isEventSource: boolean;
  /** Equal for subscribers of the same channels. */
  readonly channelsKey: string;
  readonly body: ReadableStream<Uint8Array>;
  /** On the steady clock. */
  readonly openedAt: number;
  /** On the wall clock as it was then, in whole milliseconds since 1970. */
  readonly since: number;
  readonly #source: SubscriberSource;
  readonly #maxBufferBytes: number;
  #controller!: ReadableStreamDefaultController<Uint8Array>; // Set by start(), which runs in the constructor.
  #isLive: boolean;
  /** The last event id that its client sent, until the first batch of history. */
  #lastEventId: string | undefined;
  /** See `StreamProgress`, as for the four below. */
  readonly #head: number;
  readonly #cameWith: string | undefined;
  #givenFrom: number | undefined;
  #caughtUpThrough: number;
  #passedOnThrough = -1;
  #gaps = NO_GAPS;
  #position: number;
  #gapReportedThrough: number;
  /** Events for its user alone, for the next flush of their channel. */
  #pending: ServerEvent[] = [];
  /** Set while `pull` waits for bytes; see the constructor. */
  #pulled: PromiseWithResolvers<void> | undefined;
  #isEnded = false;
  /** Set when it ends. */
  #unsentAtEnd = 0;
  #isCancelled = false;
  #bytesWritten = 0;
  #acceptedBefore = 0;
  #progressAt: number;

  /** @param options.nowMs the time on the steady clock; `wallMs` that on the wall clock. */
  constructor(
    claims: Claims,
    { head, lastEventId }: SubscriberStart,
    options: {
      readonly isEventSource: boolean;
      readonly greeting: Uint8Array;
      readonly maxBufferBytes: number;
      readonly source: SubscriberSource;
      readonly nowMs: number;
      readonly wallMs: number;
      readonly id: string;
      readonly origin?: ClientOrigin | undefined;
    },
  ) {
    this.id = options.id;
    this.claims = claims;
    this.origin = options.origin;
    this.isEventSource = options.isEventSource;
    this.channelsKey = channelsKeyOf(claims);
    this.#source = options.source;
    this.#maxBufferBytes = options.maxBufferBytes;
    this.openedAt = this.#progressAt = options.nowMs;
    this.since = options.wallMs;
    this.#isLive = lastEventId === undefined;
    this.#lastEventId = lastEventId;
    this.#head = this.#caughtUpThrough = head;
    this.#cameWith = (lastEventId?.length ?? 0) > MAX_KEPT_ID ? "" : lastEventId;
    this.#givenFrom = this.#isLive ? head + 1 : undefined;
    this.#position = this.#gapReportedThrough = this.#isLive ? head : -1;
    this.body = new ReadableStream({
      start: (controller) => {
        this.#controller = controller;
        this.#write(options.greeting);
      },
      // The runtime pulls again only after this promise is settled. A live subscriber leaves it
      // pending, so that a push costs no pull. A subscriber that catches up settles it with each batch.
      pull: () => this.#pull(),
      cancel: () => this.#cancel(),
    }, { highWaterMark: CATCH_UP_BYTES, size: (chunk) => chunk.length });
  }

  /** The seq up to which the subscriber has received every event for it. */
  get position(): number {
    return this.#position;
  }

  get isLive(): boolean {
    return this.#isLive;
  }

  get isEnded(): boolean {
    return this.#isEnded;
  }

  /** Bytes that the runtime has not accepted yet. The runtime and the kernel hold some more. */
  get unsentBytes(): number {
    return this.#isEnded ? 0 : CATCH_UP_BYTES - (this.#controller.desiredSize ?? CATCH_UP_BYTES);
  }

  /** Whether its stream has asked for bytes and got none since. */
  get isWaiting(): boolean {
    return this.#pulled !== undefined && !this.#isEnded;
  }

  /** Whether events for its user alone wait for a flush. */
  get hasPending(): boolean {
    return this.#pending.length > 0;
  }

  /** The last event id that its client sent; `undefined` after the first batch of history. */
  get resumedFrom(): string | undefined {
    return this.#lastEventId;
  }

  /** Where its history reader starts. */
  get readStart(): ReadStart {
    if (this.#lastEventId !== undefined) return { lastEventId: this.#lastEventId };
    return { position: this.#position, gapReportedThrough: this.#gapReportedThrough };
  }

  /** How far it has come, or had come when it ended. */
  get progress(): StreamProgress {
    return {
      head: this.#head,
      cameWith: this.#cameWith,
      givenFrom: this.#givenFrom,
      position: this.#position,
      caughtUpThrough: this.#caughtUpThrough,
      passedOnThrough: this.#passedOnThrough,
      isLive: this.#isLive,
      unsentBytes: this.#isEnded ? this.#unsentAtEnd : this.unsentBytes,
      isUnsentAtMost: this.#isCancelled,
      gaps: this.#gaps,
    };
  }

  /** Keeps an event for its user alone for the next flush. */
  addPending(event: ServerEvent): void {
    this.#pending.push(event);
  }

  /** Returns the kept events, and forgets them. */
  takePending(): readonly ServerEvent[] {
    const pending = this.#pending;
    if (pending.length > 0) this.#pending = [];
    return pending;
  }

  /**
   * Pushes events to a live subscriber. If it has no room for them, it falls behind and catches up.
   *
   * @param from the seq of the first event: the subscriber has missed nothing before it.
   * @param through the seq of the last event.
   * @returns whether it had room for them.
   */
  deliver(bytes: Uint8Array, from: number, through: number): boolean {
    if (this.#isEnded) return false;
    this.#gapReportedThrough = from - 1;
    if (this.unsentBytes + bytes.length > this.#maxBufferBytes) {
      this.#fallBehind();
      return false;
    }
    this.#write(bytes);
    this.#position = through;
    return true;
  }

  /**
   * Writes the next batch of history.
   *
   * @param bytes empty for a batch without events.
   * @param from the seq of the first event; of one after `through` for a batch without events.
   * @returns whether the stream was open, and its client had not left by the end of the write.
   */
  replay(bytes: Uint8Array, from: number, through: number): boolean {
    if (this.#isEnded) return false;
    this.#lastEventId = undefined;
    this.#givenFrom ??= from;
    this.#position = through;
    if (bytes.length > 0) this.#answer(bytes);
    // Its client may have left during the write.
    return !this.#isEnded;
  }

  /**
   * Reports that events up to a seq, some of which may have been for this subscriber, are gone.
   *
   * @param from the seq of the event that it is given next.
   * @returns as `replay` does.
   */
  reportGap(bytes: Uint8Array, from: number, through: number): boolean {
    if (this.#isEnded) return false;
    this.#gaps = withGap(this.#gaps, { after: this.#position, through, givenFrom: from });
    this.#gapReportedThrough = through;
    this.#answer(bytes);
    return !this.#isEnded;
  }

  /** Ends catching up: the subscriber has everything up to the head, and flushes push to it. */
  goLive(): void {
    // Its client may have left during the last write.
    if (this.#isEnded) return;
    this.#isLive = true;
    this.#caughtUpThrough = this.#position;
    this.#source.caughtUp();
  }

  /**
   * Makes a live subscriber catch up from the head, because events after it are missing.
   *
   * @param head the newest seq that the hub was given.
   */
  interrupt(head: number): void {
    if (!this.#isLive) return;
    this.#position = this.#gapReportedThrough = head;
    this.#fallBehind();
  }

  /** Sets the id to resume from in place of a position of a log that is gone; keeps its client's own last event id. */
  resumeFrom(lastEventId: string): void {
    this.#lastEventId ??= lastEventId;
  }

  /**
   * Sends a heartbeat, unless unsent bytes already show that the stream is alive.
   *
   * @param position the subscriber's new position: it has been sent every event for it up to there.
   */
  beat(comment: Uint8Array, position: number): void {
    if (this.#isEnded || this.unsentBytes > 0) return;
    this.#write(comment);
    this.#position = position;
  }

  /**
   * Whether bytes have been unsent for `stallMs` and the client has accepted none of them. To be
   * called regularly: progress counts from the call that notices it.
   *
   * @param nowMs the time on the steady clock.
   */
  isStalled(nowMs: number, stallMs: number): boolean {
    const { unsentBytes } = this;
    const accepted = this.#bytesWritten - unsentBytes;
    if (unsentBytes === 0) this.#passedOnThrough = this.#position;
    if (accepted !== this.#acceptedBefore || unsentBytes === 0) {
      this.#acceptedBefore = accepted;
      this.#progressAt = nowMs;
    }
    return nowMs - this.#progressAt >= stallMs;
  }

  /** Ends the stream after its unsent bytes and these last bytes. */
  end(lastBytes: Uint8Array): void {
    if (this.#isEnded) return;
    this.#unsentAtEnd = this.unsentBytes;
    // Before the write, because the stream may pull during it.
    this.#isEnded = true;
    this.#write(lastBytes);
    // During the write the runtime may notice that the client has left, and cancel the stream.
    if (!this.#isCancelled) this.#controller.close();
  }

  /** Ends the stream at once and drops its unsent bytes; the client sees a broken connection. */
  abort(reason: string): void {
    if (this.#isEnded) return;
    this.#unsentAtEnd = this.unsentBytes;
    this.#isEnded = true;
    const error = new Error(reason);
    // Deno 2.9.6 prints the error when the connection closes: one line instead of a stack.
    error.stack = reason;
    this.#controller.error(error);
  }

  #pull(): Promise<void> | undefined {
    if (this.#isEnded) return undefined;
    this.#pulled = Promise.withResolvers();
    if (!this.#isLive) this.#source.catchUp(this);
    return this.#pulled.promise;
  }

  #cancel(): void {
    this.#isCancelled = true;
    if (this.#isEnded) return;
    // The runtime has dropped them by now.
    this.#unsentAtEnd = this.#bytesWritten - this.#acceptedBefore;
    this.#isEnded = true;
    this.#source.left(this);
  }

  #fallBehind(): void {
    this.#isLive = false;
    this.#source.fellBehind();
    if (this.#pulled === undefined) return; // The stream pulls once its client has accepted enough.
    if ((this.#controller.desiredSize ?? 0) > 0) this.#source.catchUp(this);
    else this.#settle();
  }

  /** Writes bytes that the stream has pulled: it may pull again. */
  #answer(bytes: Uint8Array): void {
    this.#write(bytes);
    this.#settle();
  }

  #settle(): void {
    this.#pulled?.resolve();
    this.#pulled = undefined;
  }

  #write(bytes: Uint8Array): void {
    this.#bytesWritten += bytes.length;
    this.#controller.enqueue(bytes);
  }
}
