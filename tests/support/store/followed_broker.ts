/**
 * A broker as hubs in worker threads see it: each follows it by messages, which are copied and take time.
 *
 * @module
 */
import type { Subscription } from "../../../src/auth/subscription.ts";
import type {
  Broker,
  EventFeed,
  HubEventHandler,
  RecipientCounts,
} from "../../../src/broker/broker.ts";
import type { HistoryReader, ReadStart } from "../../../src/broker/history_reader.ts";
import type { Removal } from "../../../src/broker/removal.ts";
import type { Retention } from "../../../src/broker/retention.ts";
import { packEvents } from "../../../src/broker/thread/event_batch.ts";
import { type FollowerReaders, HistoryServer } from "../../../src/broker/thread/history_server.ts";
import type { FromFollower, ToFollower } from "../../../src/broker/thread/messages.ts";
import { sumCounts } from "../../../src/broker/thread/recipient_counts.ts";
import { ThreadFollower } from "../../../src/broker/thread/thread_follower.ts";
import type { Clock } from "../../../src/lib/clock.ts";
import { Pacer } from "../../../src/lib/pacer.ts";
import type { ServerEvent } from "../../../src/sse/event.ts";
import type { LogPosition } from "../../../src/sse/log_position.ts";
import { PassingBroker } from "./passing_broker.ts";

/** What the followers of a broker have in common. */
export interface FollowOptions {
  readonly retention: Retention;
  readonly clock: Clock;
  /** See `ThreadFollowerDeps`. */
  readonly windowBytes: number | undefined;
}

/** Publishes to the real broker, and gives a hub what one of its followers gets. */
export class FollowedBroker extends PassingBroker {
  readonly #feed: EventFeed;

  private constructor(broker: Broker, feed: EventFeed) {
    super(broker);
    this.#feed = feed;
  }

  /** A broker for each of some hubs. */
  static follow(broker: Broker, hubs: number, options: FollowOptions): readonly FollowedBroker[] {
    const { clock } = options;
    const history = new HistoryServer(broker, (resume) => new Pacer(clock, resume));
    const links = Array.from({ length: hubs }, () => new Link(broker, history, options));
    broker.follow({
      deliver: async (events) => {
        const all = await Promise.all(links.map((link) => link.deliver(events)));
        return sumCounts(events.length, all);
      },
      restart: (positions, head) => {
        for (const link of links) link.restart(positions, head);
      },
      removed: (removal, head) => {
        for (const link of links) link.removed(removal, head);
      },
    });
    return links.map(({ follower }) => new FollowedBroker(broker, follower));
  }

  override get head(): LogPosition {
    return this.#feed.head;
  }

  override follow(handler: HubEventHandler): void {
    this.#feed.follow(handler);
  }

  override openReader(subscription: Subscription, start: ReadStart): HistoryReader {
    return this.#feed.openReader(subscription, start);
  }
}

/** The two ends of one follower's messages. */
class Link {
  readonly follower: ThreadFollower;
  readonly #readers: FollowerReaders;
  readonly #pending: ((counts: RecipientCounts) => void)[] = [];
  #last: number;

  constructor(
    { head }: Broker,
    history: HistoryServer,
    { retention, clock, windowBytes }: FollowOptions,
  ) {
    this.#last = head.seq;
    this.follower = new ThreadFollower({
      head,
      retention,
      now: () => clock.wall(),
      post: (message) => later(message, (copy) => this.#take(copy)),
      ...windowBytes === undefined ? {} : { windowBytes },
    });
    this.#readers = history.connect((message) => this.post(message));
  }

  post(message: ToFollower): void {
    later(message, (copy) => this.follower.take(copy));
  }

  deliver(events: readonly ServerEvent[]): Promise<RecipientCounts> {
    this.post({ kind: "events", previous: this.#last, events: packEvents(events) });
    this.#last = events.at(-1)?.seq ?? this.#last;
    return new Promise((resolve) => this.#pending.push(resolve));
  }

  restart(positions: "kept" | "gone", head: LogPosition): void {
    this.#last = head.seq;
    this.post({ kind: "restart", head, positions });
  }

  removed(removal: Removal, head: LogPosition): void {
    this.post({ kind: "removed", removal, previous: this.#last, head });
    this.#last = head.seq;
  }

  #take(message: FromFollower): void {
    if (message.kind === "delivered") this.#pending.shift()?.(message.counts);
    else if (message.kind === "events missing") throw new Error("events are missing");
    else this.#readers.take(message);
  }
}

/** Like a message port: a copy, in order, and never at once. */
function later<T>(message: T, take: (copy: T) => unknown): void {
  const copy = structuredClone(message);
  queueMicrotask(() => take(copy));
}
