import type { Subscription } from "../auth/subscription.ts";
import { parseId } from "../sse/log_position.ts";
import type { Batch, HistoryReader, ReadStart } from "./history_reader.ts";
import type { MemoryLog } from "./memory_log.ts";

/** The part of a log that its window does not hold: another process or thread has to be asked for it. */
export interface OlderHistory {
  /** Reads it for a subscription from a start. The reader must be closed. */
  open(subscription: Subscription, start: ReadStart): OlderReader;
}

/** Reads the part of a log that has to be asked for. */
export interface OlderReader {
  /**
   * The next batch; `undefined` where there was no answer, or none that holds any more: ask again.
   *
   * @throws Error where the store has failed in a way that does not pass.
   */
  next(maxBytes: number): Promise<Batch | undefined>;

  close(): void;
}

/**
 * Reads a log whose newest part is in this thread's memory, its window: at once from there where the
 * window holds everything from the reader's position on, and otherwise by asking for what is older.
 */
export class WindowReader implements HistoryReader {
  readonly size: number;
  readonly #window: () => MemoryLog;
  readonly #older: OlderHistory;
  readonly #subscription: Subscription;
  #start: ReadStart;
  #maxBytes = 1;
  /** What was asked for, until it is given. */
  #answer: Batch | undefined;
  #olderReader: OlderReader | undefined;
  #windowReader: { readonly of: MemoryLog; readonly reader: HistoryReader } | undefined;

  /** @param window the present one: another one takes its place where the log has lost events. */
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
    // The window has only to go on with its work, a part at a time.
    if (this.#windowReader !== undefined) return await this.#windowReader.reader.ready();
    this.#olderReader ??= this.#older.open(this.#subscription, this.#start);
    this.#answer = await this.#olderReader.next(this.#maxBytes);
  }

  close(): void {
    this.#closeWindow();
    this.#closeOlder();
  }

  /** What an answer says of the head was true when it was made: the next read decides. */
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
    // Events may have been dropped from the window alone: then they are still in the log.
    return batch?.gap === undefined ? batch : this.#closeWindow();
  }

  /** Its position, where the window holds everything from there on. */
  #positionIn(window: MemoryLog): number | undefined {
    const position = this.#positionOf(window);
    // Another server may have given its client more than this one has followed so far.
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
