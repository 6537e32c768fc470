import { type Claims, isExpired } from "../auth/claims.ts";
import { type RevocationRecord, Revocations } from "../auth/revocations.ts";
import type { EventFeed, RecipientCounts } from "../broker/broker.ts";
import type { Clock } from "../lib/clock.ts";
import type { LogFields } from "../observability/log_line.ts";
import type { Logger } from "../observability/logger.ts";
import { encodeLines } from "../sse/encode.ts";
import type { ServerEvent } from "../sse/event.ts";
import { formatId } from "../sse/log_position.ts";
import { type Audience, findAudience } from "./audience.ts";
import { CatchUp } from "./catch_up.ts";
import { Channels } from "./channels.ts";
import {
  type ConnectionCounter,
  localCounters,
  type StreamCounters,
} from "./connection_counter.ts";
import type { ConnectOptions } from "./connect_options.ts";
import { ControlFrames } from "./control_frames.ts";
import type { DisconnectReason } from "./disconnect_reason.ts";
import { HubInspector } from "./hub_inspector.ts";
import { FlushScheduler } from "./flush_scheduler.ts";
import { disconnectsOf, HubCounters, type StreamCounts } from "./stream_counts.ts";
import { findPresence, type Presence } from "./presence.ts";
import { StreamIds } from "./stream_ids.ts";
import type { StreamObserver } from "./stream_observer.ts";
import { StreamTimer } from "./stream_timer.ts";
import { Subscriber, type SubscriberSource } from "./subscriber.ts";

/** The hub's settings; `src/config/options.ts` describes each. */
export interface HubOptions {
  /** 0 for no heartbeats. */
  readonly heartbeatMs: number;
  readonly retryMs: number;
  readonly flushWindowMs: number;
  readonly maxBufferBytes: number;
  /** 0 to disconnect no client for being slow. */
  readonly stallMs: number;
  /** Infinity for no limit. */
  readonly maxConnections: number;
  /** Streams of public channels, which need no token; they count as connections too. Default: Infinity. */
  readonly maxPublicStreams?: number;
}

/** The subscribers of this process: pushes events to the live ones, and ends each stream with a disconnect reason. */
export class Hub {
  readonly inspector: HubInspector;
  readonly #feed: EventFeed;
  readonly #options: HubOptions;
  readonly #clock: Clock;
  readonly #logger: Logger;
  readonly #counters = new HubCounters();
  readonly #observers: readonly StreamObserver[];
  readonly #channels = new Channels();
  readonly #flushScheduler: FlushScheduler;
  readonly #catchUp: CatchUp;
  readonly #frames: ControlFrames;
  readonly #subscribers: StreamTimer<Subscriber>;
  /** Subscribers whose connection the runtime still holds. */
  readonly #connections = new Set<Subscriber>();
  /** Those connections, also of streams that have ended: the client may not have read the end yet. */
  readonly #held: ConnectionCounter;
  /** Open streams without a token. */
  readonly #publicStreams: ConnectionCounter;
  readonly #ids = new StreamIds();
  #isDraining = false;
  readonly #source: SubscriberSource = {
    catchUp: (subscriber) => this.#catchUp.request(subscriber),
    fellBehind: () => this.#counters.fellBehind(),
    caughtUp: () => this.#counters.caughtUp(),
    left: (subscriber) => this.#remove(subscriber, "client left"),
  };

  constructor(
    feed: EventFeed,
    options: HubOptions,
    clock: Clock,
    logger: Logger,
    observers: readonly StreamObserver[] = [],
    { held, publicStreams }: StreamCounters = localCounters(),
  ) {
    this.#feed = feed;
    this.#options = options;
    this.#clock = clock;
    this.#logger = logger;
    this.#observers = [this.#counters, ...observers];
    this.#held = held;
    this.#publicStreams = publicStreams;
    const counters = this.#counters;
    const { flushWindowMs } = options;
    this.#flushScheduler = new FlushScheduler(this.#channels, flushWindowMs, clock, counters);
    this.#catchUp = new CatchUp(feed, clock, counters, (...failure) => this.#fail(...failure));
    this.#frames = new ControlFrames(options.retryMs);
    const { heartbeatMs, stallMs } = options;
    this.#subscribers = new StreamTimer(heartbeatMs, stallMs, (...due) => this.#visit(...due));
    this.inspector = new HubInspector({
      channels: this.#channels,
      streams: () => this.#subscribers.streams(),
      feed,
    });
    feed.follow({
      deliver: (events) => this.#deliver(events),
      restart: (positions) => this.#restart(positions),
      // Readers are told by the log; what waits for a flush is sent.
      removed: () => {},
    });
  }

  /** The number of open streams. */
  get size(): number {
    return this.#subscribers.size;
  }

  /** The number of streams that have ended since the start, by disconnect reason. */
  get disconnects(): Readonly<Partial<Record<DisconnectReason, number>>> {
    return disconnectsOf(this.counts);
  }

  /** The open streams. */
  streams(): Iterable<Subscriber> {
    return this.#subscribers.streams();
  }

  /** What it has counted; takes some microseconds, however many streams there are. */
  get counts(): StreamCounts {
    return this.#counters.counts;
  }

  /** Why a new client would be rejected now; `undefined` if it would get a stream. */
  rejection({ isPublic }: Claims): DisconnectReason | undefined {
    if (this.#isDraining) return "draining";
    const { maxConnections, maxPublicStreams = Infinity } = this.#options;
    const isFull = this.#held.total >= maxConnections ||
      isPublic === true && this.#publicStreams.total >= maxPublicStreams;
    return isFull ? "over the limit" : undefined;
  }

  /** Who could hear an event for a user on a channel; `joinAudiences` sums what several hubs answer. */
  audience(channel: string, user: string): Audience {
    return findAudience(this.#channels, channel, user);
  }

  /** Who hears a channel; `joinPresences` joins what several hubs answer. */
  presence(channel: string): Presence {
    return findPresence(this.#channels, channel);
  }

  /** Opens a stream: live, or catching up from the client's last event id. */
  subscribe(claims: Claims, options: ConnectOptions): Subscriber {
    const { lastEventId, isEventSource } = options;
    const head = this.#feed.head.seq;
    const start = { head, lastEventId: lastEventId || undefined };
    const subscriber = new Subscriber(claims, start, {
      isEventSource,
      greeting: this.#frames.greeting(lastEventId ? undefined : this.#headId, options),
      maxBufferBytes: this.#options.maxBufferBytes,
      source: this.#source,
      nowMs: this.#clock.steady(),
      wallMs: this.#clock.wall(),
      id: this.#ids.next(),
      origin: options.origin,
    });
    this.#add(subscriber);
    if (options.closed !== undefined) this.#hold(subscriber, options.closed);
    return subscriber;
  }

  /**
   * Counts a client that gets no stream; returns the bytes to answer it with.
   *
   * @param claims `undefined` for a client whose token could not be read.
   */
  reject(
    reason: DisconnectReason,
    claims: Claims | undefined,
    options: ConnectOptions,
  ): Uint8Array<ArrayBuffer> {
    this.#logDisconnect(reason, { ...toFields(reason, claims), seconds: 0 });
    for (const observer of this.#observers) observer.rejected?.(reason, claims, options);
    return this.#frames.reject(reason, options.lastEventId ? undefined : this.#headId, options);
  }

  /** Ends every stream with such claims, and tells its client when to reconnect; returns how many. */
  endStreams(reason: DisconnectReason, isMeant: (claims: Claims) => boolean): number {
    let ended = 0;
    for (const subscriber of this.#subscribers.streams()) {
      if (!isMeant(subscriber.claims)) continue;
      this.#end(subscriber, reason, this.#frames.closeNotice(reason));
      ended++;
    }
    return ended;
  }

  /** Ends every stream that hears what is revoked by these records; returns how many. */
  endRevoked(records: readonly RevocationRecord[]): number {
    const now = this.#clock.wall() / 1000;
    const revocations = new Revocations();
    revocations.add(records, now);
    return this.endStreams(
      "revoked",
      (claims) => revocations.allowed(claims, now).length < claims.channels.length,
    );
  }

  /** Rejects every new client from now on and tells it when to reconnect. */
  stopAccepting(): void {
    this.#isDraining = true;
  }

  /** Sends every pending event, then ends every stream and tells its client when to reconnect. */
  drain(): void {
    this.stopAccepting();
    this.#flushScheduler.flushAll();
    for (const subscriber of this.#subscribers.streams()) {
      this.#end(subscriber, "draining", this.#frames.closeNotice("draining"));
    }
  }

  /** The id of the log's newest event: a client that resumes from it misses nothing from now on. */
  get #headId(): string {
    return this.#idAt(this.#feed.head.seq);
  }

  #idAt(seq: number): string {
    return formatId(seq, this.#feed.head.epoch);
  }

  /** See `BrokerEventHandler.deliver`. */
  #deliver(events: readonly ServerEvent[]): RecipientCounts {
    return events.map((event) => {
      const channel = this.#channels.get(event.channel);
      const recipients = channel?.take(event) ?? 0;
      if (channel !== undefined && recipients > 0) this.#flushScheduler.request(channel);
      return recipients;
    });
  }

  /** See `BrokerEventHandler.restart`. */
  #restart(positions: "kept" | "gone"): void {
    this.#flushScheduler.flushAll();
    this.#catchUp.reset();
    const { seq } = this.#feed.head;
    for (const subscriber of this.#subscribers.streams()) {
      subscriber.interrupt(seq);
      if (positions === "gone") subscriber.resumeFrom(this.#idAt(subscriber.position));
    }
  }

  #add(subscriber: Subscriber): void {
    this.#channels.add(subscriber);
    this.#held.add(1);
    if (subscriber.claims.isPublic) this.#publicStreams.add(1);
    for (const observer of this.#observers) observer.opened?.(subscriber);
    // Last: in Deno 2.9.6 the first timer runs microtasks at once, and with them the subscriber's first batch.
    this.#subscribers.add(subscriber);
  }

  #hold(subscriber: Subscriber, closed: Promise<void>): void {
    this.#connections.add(subscriber);
    const release = () => {
      this.#connections.delete(subscriber);
      if (subscriber.isEnded) this.#held.add(-1);
    };
    closed.then(release, release);
  }

  #remove(subscriber: Subscriber, reason: DisconnectReason): void {
    if (!this.#subscribers.delete(subscriber)) return;
    if (!this.#connections.has(subscriber)) this.#held.add(-1);
    if (subscriber.claims.isPublic) this.#publicStreams.add(-1);
    this.#catchUp.forget(subscriber);
    this.#channels.remove(subscriber);
    const seconds = Math.round((this.#clock.steady() - subscriber.openedAt) / 100) / 10;
    const { claims, id } = subscriber;
    this.#logDisconnect(reason, { ...toFields(reason, claims), seconds, stream: id });
    for (const observer of this.#observers) observer.ended?.(subscriber, reason);
  }

  #end(subscriber: Subscriber, reason: DisconnectReason, lastBytes: Uint8Array): void {
    subscriber.end(lastBytes);
    this.#remove(subscriber, reason);
  }

  #fail(subscriber: Subscriber, error: unknown): void {
    this.#logger.error("reading history failed", { error: String(error) });
    this.#end(subscriber, "server error", this.#frames.closeNotice("server error"));
  }

  #logDisconnect(reason: DisconnectReason, fields: LogFields): void {
    if (reason === "too slow" || reason === "server error") {
      this.#logger.warn("stream ended", fields);
    } else if (reason === "client left") {
      this.#logger.debug("stream ended", fields);
    } else this.#logger.info("stream ended", fields);
  }

  /** Ends a stream whose token has expired or whose client has stalled; otherwise sends a heartbeat that is due. */
  #visit(subscriber: Subscriber, isBeatDue: boolean): void {
    const { heartbeatMs, stallMs } = this.#options;
    if (isExpired(subscriber.claims, this.#clock.wall() / 1000)) {
      this.#end(subscriber, "token expired", encodeLines(": token expired"));
    } else if (subscriber.isStalled(this.#clock.steady(), stallMs || Infinity)) {
      subscriber.abort("stream cut: the client accepted none of its pending bytes");
      this.#remove(subscriber, "too slow");
    } else if (heartbeatMs > 0 && isBeatDue) this.#beat(subscriber);
  }

  /**
   * Moves a subscriber that has every event up to the head: when an event for other users is dropped
   * later, this subscriber has no gap to report.
   */
  #beat(subscriber: Subscriber): void {
    const { isEventSource, position, claims } = subscriber;
    const { seq } = this.#feed.head;
    const mayMoveOn = seq > position && subscriber.isLive && !subscriber.hasPending;
    const hasAll = mayMoveOn &&
      claims.channels.every((name) => this.#channels.get(name)?.isFlushed ?? true);
    if (!hasAll) {
      subscriber.beat(this.#frames.heartbeat(undefined, isEventSource), position);
    } else subscriber.beat(this.#frames.heartbeat(this.#idAt(seq), isEventSource), seq);
  }
}

function toFields(reason: DisconnectReason, claims: Claims | undefined): LogFields {
  if (claims === undefined) return { ending: reason };
  // Nobody in particular hears a public stream.
  const user = claims.isPublic ? {} : { user: claims.user };
  return { ending: reason, ...user, channel: claims.channels };
}
