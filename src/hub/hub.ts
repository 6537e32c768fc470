import type { Clock } from "../lib/clock.ts";
import type { Logger } from "../observability/logger.ts";
import { type Start, Subscriber, type SubscriberSource } from "./subscriber.ts";
import { type Claims, isExpired } from "../auth/claims.ts";
import type { DisconnectReason } from "./disconnect_reason.ts";
import { encodeLines } from "../sse/encode.ts";
import type { ServerEvent } from "../sse/event.ts";
import { formatId } from "../sse/log_position.ts";
import type { Broker } from "../broker/broker.ts";
import { catchUp } from "./catch_up.ts";
import { Channel } from "./channel.ts";
import { FlushScheduler } from "./flush_scheduler.ts";
import { ControlFrames } from "./control_frames.ts";

/** What the hub can be told; see the options of the same names. */
export interface HubOptions {
  /** 0 for no heartbeats. */
  readonly heartbeatMs: number;
  readonly retryMs: number;
  readonly flushWindowMs: number;
  readonly maxBufferBytes: number;
  /** 0 to cut nobody. */
  readonly stallMs: number;
}

/** How a client comes: with what it has, and what it is. */
export interface ConnectOptions {
  /** As the client sent it; empty or `undefined` where it has none. */
  readonly lastEventId: string | undefined;
  /** Whether it may be a browser's own EventSource, which can send no header of its choosing. */
  readonly isEventSource: boolean;
}

const MAX_TICK_MS = 1000;

/** The subscribers of this process, by channel: feeds those at the head, and ends every stream by name. */
export class Hub {
  readonly #broker: Broker;
  readonly #options: HubOptions;
  readonly #clock: Clock;
  readonly #logger: Logger;
  readonly #channels = new Map<string, Channel>();
  readonly #flushScheduler: FlushScheduler;
  readonly #frames: ControlFrames;
  /** Every subscriber, and the turn in which it gets its heartbeats. */
  readonly #subscribers = new Map<Subscriber, number>();
  readonly #endings = new Map<DisconnectReason, number>();
  readonly #tickMs: number;
  readonly #turns: number;
  #turn = 0;
  #nextTurn = 0;
  #ticker: ReturnType<typeof setInterval> | undefined;
  readonly #source: SubscriberSource = {
    catchUp: (subscriber) => this.#catchUp(subscriber),
    left: (subscriber) => this.#remove(subscriber, "client left"),
  };

  constructor(
    broker: Broker,
    options: HubOptions,
    clock: Clock,
    logger: Logger,
  ) {
    this.#broker = broker;
    this.#options = options;
    this.#clock = clock;
    this.#logger = logger;
    this.#flushScheduler = new FlushScheduler(this.#channels, options.flushWindowMs, clock);
    this.#frames = new ControlFrames(options.retryMs);
    const { heartbeatMs, stallMs } = options;
    this.#tickMs = Math.min(
      MAX_TICK_MS,
      heartbeatMs || MAX_TICK_MS,
      stallMs || MAX_TICK_MS,
    );
    this.#turns = Math.max(1, Math.round(heartbeatMs / this.#tickMs));
    broker.follow({
      deliver: (events) => this.#deliver(events),
      restart: (places) => this.#restart(places),
    });
  }

  /** How many streams are open. */
  get size(): number {
    return this.#subscribers.size;
  }

  /** How many streams have ended, by their ending's name, since the start. */
  get endings(): Readonly<Partial<Record<DisconnectReason, number>>> {
    return Object.fromEntries(this.#endings);
  }

  /** Opens a stream: from the head of the log, or from behind the last event that the client has. */
  subscribe(claims: Claims, { lastEventId, isEventSource }: ConnectOptions): Subscriber {
    const { seq } = this.#broker.head;
    const start: Start = lastEventId ? { resumedFrom: lastEventId } : { position: seq };
    const place = lastEventId ? undefined : this.#idAt(seq);
    const subscriber = new Subscriber(claims, start, {
      isEventSource,
      greeting: this.#frames.greeting(place, isEventSource),
      maxBufferBytes: this.#options.maxBufferBytes,
      source: this.#source,
      nowMs: this.#clock.steady(),
    });
    this.#add(subscriber);
    return subscriber;
  }

  /** Counts a client that gets no stream; answers what it is told instead. */
  reject(
    ending: DisconnectReason,
    claims: Claims,
    arrival: ConnectOptions,
  ): Uint8Array<ArrayBuffer> {
    this.#noteEnding(ending, claims, 0);
    const place = arrival.lastEventId ? undefined : this.#idAt(this.#broker.head.seq);
    return this.#frames.reject(ending, place, arrival.isEventSource);
  }

  /** Sends what waits, then ends every stream and tells its client when to come back. */
  drain(): void {
    this.#flushScheduler.close();
    for (const subscriber of this.#subscribers.keys()) {
      this.#end(subscriber, "draining", this.#frames.closeNotice("draining"));
    }
  }

  #idAt(seq: number): string {
    return formatId(seq, this.#broker.head.epoch);
  }

  #noteEnding(ending: DisconnectReason, claims: Claims, seconds: number): void {
    this.#endings.set(ending, (this.#endings.get(ending) ?? 0) + 1);
    const fields = {
      ending,
      user: claims.user,
      channel: claims.channels,
      seconds,
    };
    if (ending === "too slow" || ending === "server error") {
      this.#logger.warn("stream ended", fields);
    } else if (ending === "client left") {
      this.#logger.debug("stream ended", fields);
    } else this.#logger.info("stream ended", fields);
  }

  #deliver(events: readonly ServerEvent[]): number {
    let recipients = 0;
    for (const event of events) {
      const channel = this.#channels.get(event.channel);
      if (channel === undefined) continue;
      const heard = channel.take(event);
      if (heard > 0) this.#flushScheduler.request(channel);
      recipients = Math.max(recipients, heard);
    }
    return recipients;
  }

  /** See `BrokerEventHandler.restart`. */
  #restart(places: "kept" | "gone"): void {
    this.#flushScheduler.close();
    const { seq } = this.#broker.head;
    for (const subscriber of this.#subscribers.keys()) {
      if (subscriber.isLive) {
        subscriber.gapReportedThrough = seq;
        subscriber.fallBehind(seq);
      }
      if (places === "gone") subscriber.resumeFrom(this.#idAt(subscriber.position));
    }
  }

  #add(subscriber: Subscriber): void {
    for (const name of subscriber.claims.channels) {
      let channel = this.#channels.get(name);
      if (channel === undefined) {
        this.#channels.set(name, channel = new Channel());
      }
      channel.add(subscriber);
    }
    this.#subscribers.set(subscriber, this.#nextTurn++ % this.#turns);
    this.#ticker ??= setInterval(() => this.#tick(), this.#tickMs);
  }

  #remove(subscriber: Subscriber, ending: DisconnectReason): void {
    if (!this.#subscribers.delete(subscriber)) return;
    for (const name of subscriber.claims.channels) {
      const channel = this.#channels.get(name);
      channel?.remove(subscriber);
      if (channel?.subscribers.size === 0) this.#channels.delete(name);
    }
    if (this.#subscribers.size === 0) {
      clearInterval(this.#ticker);
      this.#ticker = undefined;
    }
    this.#noteEnding(ending, subscriber.claims, this.#age(subscriber));
  }

  #end(subscriber: Subscriber, ending: DisconnectReason, lastBytes: Uint8Array): void {
    subscriber.end(lastBytes);
    this.#remove(subscriber, ending);
  }

  #age(subscriber: Subscriber): number {
    return Math.round((this.#clock.steady() - subscriber.openedAt) / 100) / 10;
  }

  #catchUp(subscriber: Subscriber): void | Promise<void> {
    try {
      return catchUp(this.#broker, subscriber)?.catch((error) => this.#fail(subscriber, error));
    } catch (error) {
      this.#fail(subscriber, error);
    }
  }

  #fail(subscriber: Subscriber, error: unknown): void {
    this.#logger.error("reading history failed", { error: String(error) });
    this.#end(subscriber, "server error", this.#frames.closeNotice("server error"));
  }

  /** One timer for all streams: expiry and stalls of each, and the heartbeats of those whose turn it is. */
  #tick(): void {
    const now = this.#clock.steady();
    const nowSeconds = this.#clock.wall() / 1000;
    const { heartbeatMs, stallMs } = this.#options;
    this.#turn = (this.#turn + 1) % this.#turns;
    for (const [subscriber, turn] of this.#subscribers) {
      if (isExpired(subscriber.claims, nowSeconds)) {
        this.#end(subscriber, "token expired", encodeLines(": token expired"));
      } else if (stallMs > 0 && subscriber.isStalled(now, stallMs)) {
        subscriber.abort(
          new Error("The client took none of its waiting bytes."),
        );
        this.#remove(subscriber, "too slow");
      } else if (heartbeatMs > 0 && turn === this.#turn) {
        this.#beat(subscriber);
      }
    }
  }

  /** A heartbeat brings a subscriber that has everything to the head: what others get is then no gap of its. */
  #beat(subscriber: Subscriber): void {
    const { isEventSource } = subscriber;
    const { seq } = this.#broker.head;
    const hasAll = subscriber.isLive && subscriber.pending.length === 0 &&
      subscriber.claims.channels.every((name) => this.#channels.get(name)?.isFlushed ?? true);
    if (!hasAll || seq === subscriber.position) {
      subscriber.beat(this.#frames.heartbeat(undefined, isEventSource), subscriber.position);
    } else subscriber.beat(this.#frames.heartbeat(this.#idAt(seq), isEventSource), seq);
  }
}
