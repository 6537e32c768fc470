import type { Subscription } from "../auth/subscription.ts";
import { parseId } from "../sse/log_position.ts";
import type { Batch, HistoryReader, ReadStart } from "./history_reader.ts";
import type { MemoryLog } from "./memory_log.ts";

/** The events of a log that are older than its window; another process or thread has them. */
export interface OlderHistory {
  /** Opens a reader for a subscription, from a start. The caller must close it. */
  open(subscription: Subscription, start: ReadStart): OlderReader;
}

/** Reads events that are older than the window. */
export interface OlderReader {
  /**
   * The next batch; `undefined` if there was no answer, or one that is out of date: call it again.
   *
   * @throws Error if the store has failed for good.
   */
  next(maxBytes: number): Promise<Batch | undefined>;

  close(): void;
}

/**
 * Reads a log whose newest part, the window, is in this thread's memory. It reads the window at once
 * if the window holds every event after the reader's position. Otherwise it requests older history.
 */
export class WindowReader implements HistoryReader {
  readonly size: number;
  readonly #window: () => MemoryLog;
  readonly #older: OlderHistory;
  readonly #subscription: Subscription;
  #start: ReadStart;
  #maxBytes = 1;
  /** A batch of older history that `next` has not returned yet. */
  #answer: Batch | undefined;
  #olderReader: OlderReader | undefined;
  #windowReader: { readonly of: MemoryLog; readonly reader: HistoryReader } | undefined;

  /** @param window returns the current window, which is replaced when the log has lost events. */
  constructor(
    window: () => MemoryLog,
    older: OlderHistory,
    subscription: Subscription,
    start: ReadStart,
  ) {
    this.#window = window;
    this.#older = older;
    this.#subscription = subscription;
    this.#start = start;
    this.size = subscription.channels.length * 2;
  }

  next(maxBytes: number): Batch | undefined {
    this.#maxBytes = maxBytes;
    const batch = this.#takeAnswer() ?? this.#readWindow(maxBytes);
    if (batch === undefined) return undefined;
    const before = "position" in this.#start ? this.#start.gapReportedThrough : -1;
    const gapReportedThrough = batch.gap?.through ?? before;
    this.#start = { position: batch.through, gapReportedThrough };
    return batch;
  }

  async ready(): Promise<void> {
    // The window needs only another call of `next`.
    if (this.#windowReader !== undefined) return await this.#windowReader.reader.ready();
    this.#olderReader ??= this.#older.open(this.#subscription, this.#start);
    this.#answer = await this.#olderReader.next(this.#maxBytes);
  }

  close(): void {
    this.#closeWindow();
    this.#closeOlder();
  }

  /** The head may have moved since the answer was made, so only the next read can reach it. */
  #takeAnswer(): Batch | undefined {
    const answer = this.#answer;
    this.#answer = undefined;
    return answer === undefined ? undefined : { ...answer, reachesHead: false };
  }

  #readWindow(maxBytes: number): Batch | undefined {
    const window = this.#window();
    const position = this.#positionIn(window);
    if (position === undefined) return this.#closeWindow();
    this.#closeOlder();
    if (this.#windowReader?.of !== window) {
      this.#closeWindow();
      const cursor = { position, gapReportedThrough: position };
      this.#windowReader = {
        of: window,
        reader: window.openReader(this.#subscription, cursor),
      };
    }
    const batch = this.#windowReader.reader.next(maxBytes);
    // Events that were dropped from the window may still be in the log.
    return batch?.gap === undefined ? batch : this.#closeWindow();
  }

  /** The reader's position; `undefined` if the window does not hold every event after it. */
  #positionIn(window: MemoryLog): number | undefined {
    const position = this.#positionOf(window);
    // The client may have received newer events from another server than this one has got so far.
    if (position === undefined || position > window.last) return undefined;
    return window.hasGap(this.#subscription, position) ? undefined : position;
  }

  #positionOf(window: MemoryLog): number | undefined {
    if ("position" in this.#start) return this.#start.position;
    const id = parseId(this.#start.lastEventId);
    return id?.epoch === window.epoch ? id.seq : undefined;
  }

  #closeWindow(): undefined {
    this.#windowReader?.reader.close();
    this.#windowReader = undefined;
  }

  #closeOlder(): void {
    this.#olderReader?.close();
    this.#olderReader = undefined;
  }
}
