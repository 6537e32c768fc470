import type { Subscription } from "../../auth/subscription.ts";
import type { ServerEvent } from "../../sse/event.ts";
import type { LogPosition } from "../../sse/log_position.ts";
import type { EventFeed, HubEventHandler, RecipientCounts } from "../broker.ts";
import type { Batch, HistoryReader, ReadStart } from "../history_reader.ts";
import { MemoryLog } from "../memory_log.ts";
import type { Retention } from "../retention.ts";
import { type OlderHistory, type OlderReader, WindowReader } from "../window_reader.ts";
import { unpackEvents } from "./event_batch.ts";
import type { EventsMessage, FromFollower, RemovedMessage, ToFollower } from "./messages.ts";

const WINDOW_BYTES = 4 * 2 ** 20;

/** What a follower works with. */
export interface ThreadFollowerDeps {
  /** The broker's head when it began to send events to this thread. */
  readonly head: LogPosition;
  readonly retention: Retention;
  /** The wall clock, in milliseconds. */
  readonly now: () => number;
  /** Bytes of the log's newest part that this thread keeps at most. Default: 4 MiB. */
  readonly windowBytes?: number;
  /** Sends a message to the broker's thread. */
  readonly post: (message: FromFollower) => void;
}

/** Waits for the answer to a `read`. */
interface PendingRead {
  readonly resolve: (batch: Batch | undefined) => void;
  readonly reject: (error: Error) => void;
}

/**
 * The log of a broker in another thread, as a hub in this thread follows it. It keeps the newest part in
 * memory, its window, and requests older history from the broker's thread.
 */
export class ThreadFollower implements EventFeed, OlderHistory {
  readonly #deps: ThreadFollowerDeps;
  readonly #pendingReads = new Map<number, PendingRead>();
  #window: MemoryLog;
  #handler: HubEventHandler | undefined;
  #lastReader = 0;

  constructor(deps: ThreadFollowerDeps) {
    this.#deps = deps;
    this.#window = this.#openWindow(deps.head);
  }

  get head(): LogPosition {
    return { seq: this.#window.last, epoch: this.#window.epoch };
  }

  follow(handler: HubEventHandler): void {
    this.#handler = handler;
  }

  openReader(subscription: Subscription, start: ReadStart): HistoryReader {
    return new WindowReader(() => this.#window, this, subscription, start);
  }

  open(subscription: Subscription, start: ReadStart): OlderReader {
    const { post } = this.#deps;
    const reader = ++this.#lastReader;
    const { user, channels } = subscription;
    post({ kind: "open", reader, subscription: { user, channels }, start });
    return {
      next: (maxBytes) => this.#read(reader, maxBytes),
      close: () => {
        post({ kind: "close", reader });
        this.#settle(reader)?.resolve(undefined);
      },
    };
  }

  /** Takes a message from the broker's thread. */
  take(message: ToFollower): void {
    switch (message.kind) {
      case "events":
        return this.#deliver(message);
      case "restart":
        return this.#restart(message.head, message.positions);
      case "removed":
        return this.#remove(message);
      case "history": {
        const { batch, reader } = message;
        return this.#settle(reader)?.resolve({ ...batch, events: unpackEvents(batch.events) });
      }
      case "history failed":
        return this.#settle(message.reader)?.reject(new Error(message.reason));
    }
  }

  /** Each `events` has its one answer, also if taking them fails: answers have no number. */
  #deliver({ previous, events }: EventsMessage): void {
    let counts: RecipientCounts = [];
    try {
      // After a failure the window ends before the events that failed.
      if (previous === this.#window.last) counts = this.#take(unpackEvents(events));
      else this.#deps.post({ kind: "events missing" });
    } finally {
      this.#deps.post({ kind: "delivered", counts });
    }
  }

  #take(events: readonly ServerEvent[]): RecipientCounts {
    this.#window.append([{ events, key: undefined }]);
    return this.#handler?.deliver(events) ?? [];
  }

  #restart(head: LogPosition, positions: "kept" | "gone"): void {
    // In this order: live subscribers take their position from the head of the old window. From the new
    // one, they would miss what is in between.
    this.#handler?.restart(positions, head);
    this.#window = this.#openWindow(head);
  }

  #remove({ removal, previous, head }: RemovedMessage): void {
    this.#window.removeNow(removal);
    if (previous === this.#window.last) this.#window.advance(head.seq);
    else this.#deps.post({ kind: "events missing" });
  }

  #openWindow(head: LogPosition): MemoryLog {
    const { retention, now, windowBytes = WINDOW_BYTES } = this.#deps;
    const totalBytes = Math.min(retention.totalBytes, windowBytes);
    return new MemoryLog({ ...retention, totalBytes }, now, head);
  }

  #read(reader: number, maxBytes: number): Promise<Batch | undefined> {
    return new Promise((resolve, reject) => {
      this.#pendingReads.set(reader, { resolve, reject });
      this.#deps.post({ kind: "read", reader, maxBytes });
    });
  }

  #settle(reader: number): PendingRead | undefined {
    const pending = this.#pendingReads.get(reader);
    this.#pendingReads.delete(reader);
    return pending;
  }
}
