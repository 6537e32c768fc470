import type { ServerEvent } from "../sse/event.ts";
import type { Broker, BrokerEventHandler, EventFeed, RecipientCounts } from "./broker.ts";

/** Is shown the events of one channel as they are published. */
export interface ChannelWatcher {
  /** Takes an event; `epoch` is that of its id. Must be quick, and must not throw: the event waits for it. */
  see(event: ServerEvent, epoch: string): void;
  /** Is told that events may be missing between those it saw and the next. */
  missed(): void;
}

/**
 * Shows events to whoever watches their channel, between the broker and its handler: of every user, and on
 * Redis of every server. While nobody watches it costs one check for each delivery of events.
 */
export class EventTap {
  readonly #watchers = new Map<string, Set<ChannelWatcher>>();

  /** A broker's feed, whose handler gets the events by way of this tap. */
  tapped(broker: Broker): Pick<Broker, keyof EventFeed> {
    return {
      get head() {
        return broker.head;
      },
      follow: (handler) => broker.follow(this.#handlerBefore(handler, broker)),
      openReader: (...asked) => broker.openReader(...asked),
    };
  }

  /** Shows a channel's events to a watcher from now on; the returned function ends that. */
  watch(channel: string, watcher: ChannelWatcher): () => void {
    const watchers = this.#watchers.get(channel) ?? new Set();
    this.#watchers.set(channel, watchers.add(watcher));
    return () => {
      watchers.delete(watcher);
      if (watchers.size === 0 && this.#watchers.get(channel) === watchers) {
        this.#watchers.delete(channel);
      }
    };
  }

  #handlerBefore(handler: BrokerEventHandler, broker: Broker): BrokerEventHandler {
    return {
      deliver: (events): RecipientCounts | Promise<RecipientCounts> => {
        if (this.#watchers.size > 0) this.#show(events, broker.head.epoch);
        return handler.deliver(events);
      },
      restart: (positions, head) => {
        for (const watchers of this.#watchers.values()) {
          for (const watcher of watchers) watcher.missed();
        }
        handler.restart(positions, head);
      },
      removed: (...removal) => handler.removed(...removal),
    };
  }

  #show(events: readonly ServerEvent[], epoch: string): void {
    for (const event of events) {
      for (const watcher of this.#watchers.get(event.channel) ?? []) watcher.see(event, epoch);
    }
  }
}
