import { EVERYONE, type Subscription } from "../auth/subscription.ts";
import type { ServerEvent } from "../sse/event.ts";
import type { Batch, Cursor, Gap, HistoryReader } from "./history_reader.ts";
import { type Ordered, SourceHeap } from "./source_heap.ts";

/** An event in an index. */
export interface IndexRow {
  readonly seq: number;
  /** The event's length on the wire, in bytes. */
  readonly size: number;
}

/** Where a reader starts in one channel. */
export interface ChannelStart {
  /** The seq of the channel's last dropped event. */
  readonly horizon: number;
  /** The seq of the first event for everyone after the reader's position. */
  readonly forEveryone: number | undefined;
  /** The seq of the first event for the reader's user alone after the reader's position. */
  readonly forUser: number | undefined;
}

/** The index of a log, for a merging reader. Every answer is valid until the caller returns to the event loop. */
export interface HistoryIndex<Row extends IndexRow> {
  /** The seq of the newest event. */
  readonly last: number;
  /** Drops up to `MAX_AGED_AT_A_TIME` of the events that are past their age; returns whether none is left. */
  trim(): boolean;
  /** The seq of the last event for a user that was removed; -1 if none was. */
  removedFrom(user: string): number;
  /** The start of each of these channels for a user after a position, in the same order. */
  starts(channels: readonly string[], user: string, position: number): readonly ChannelStart[];
  /** The first rows of a channel for a user, or for everyone, whose seq is `from` or later. */
  page(channel: string, user: string, from: number, limit: number): readonly Row[];
  /** The events of rows of this index, none of which has been dropped since it was read. */
  load(rows: readonly Row[]): readonly ServerEvent[];
}

/** The events of one channel for one user, or for everyone. */
interface Source<Row> extends Ordered {
  readonly channel: string;
  readonly user: string;
  /** Whether the source is in the heap. A source without further events is not. */
  isQueued: boolean;
  /** Rows that were read; the first `at` of them are consumed. */
  rows: readonly Row[];
  at: number;
  /** Whether nothing follows `rows`. */
  isLastPage: boolean;
  pageLength: number;
}

/** Made once there is something to read: most channels of a large subscription have no event for its user. */
interface ChannelSources<Row> {
  forEveryone: Source<Row> | undefined;
  forUser: Source<Row> | undefined;
}

/** Channels that one call of `next` looks up: some milliseconds of work on the slowest log. */
const CHANNELS_AT_A_TIME = 250;

/** The most pages that one call of `next` reads. */
const PAGES_AT_A_TIME = 200;

/** Each page of a source is twice as long as the one before, so that short and long sources both cost little. */
const FIRST_PAGE_LENGTH = 16;
const LONGEST_PAGE_LENGTH = 256;

/** About the most rows that a reader holds over all its sources; each takes some 150 bytes. */
const MAX_HELD_ROWS = 8192;

/**
 * Merges the sources of a subscription into one sequence, with a heap ordered by their next seq. The
 * first calls of `next` look up each channel, some at a time. After that the cost of a batch depends
 * on its events alone, because the log notifies its open readers of appended and dropped events.
 */
export class MergingReader<Row extends IndexRow> implements HistoryReader {
  readonly #index: HistoryIndex<Row>;
  readonly #subscription: Subscription;
  readonly #readers: OpenReaders;
  readonly #channels = new Map<string, ChannelSources<Row>>();
  readonly #heap = new SourceHeap<Source<Row>>();
  readonly #longestPage: number;
  #position: number;
  #gapReportedThrough: number;
  /** How many of the subscription's channels have been looked up. */
  #opened = 0;
  /** The last seq that was dropped from any of the channels, or removed from the user's events. */
  #horizon = -1;
  /** The search for the oldest retained event, channel by channel; kept until a batch returns the gap. */
  #search: { searched: number; oldest: number } | undefined;

  /** @param readers the open readers of the log; this one is among them until it is closed. */
  constructor(
    index: HistoryIndex<Row>,
    subscription: Subscription,
    { position, gapReportedThrough }: Cursor,
    readers: OpenReaders,
  ) {
    this.#index = index;
    this.#subscription = subscription;
    this.#position = position;
    this.#gapReportedThrough = gapReportedThrough;
    this.#readers = readers;
    const fairShare = Math.floor(MAX_HELD_ROWS / this.size);
    this.#longestPage = Math.min(LONGEST_PAGE_LENGTH, Math.max(2, fairShare));
    readers.add(this);
  }

  get size(): number {
    return this.#subscription.channels.length * 2;
  }

  next(maxBytes: number): Batch | undefined {
    // No event past its age is read, however many come of age together.
    if (!this.#index.trim()) return undefined;
    if (!this.#open()) return undefined;
    const gap = this.#gap();
    if (gap === "searching") return undefined;
    const taken = this.#take(maxBytes);
    if (taken === undefined) return undefined;
    const { rows, isComplete } = taken;
    const through = isComplete ? this.#index.last : rows.at(-1)?.seq ?? this.#position;
    this.#position = through;
    if (gap !== undefined) this.#gapReportedThrough = gap.through;
    this.#search = undefined;
    return { events: this.#index.load(rows), through, reachesHead: isComplete, gap };
  }

  /** Resolves at once: the reader waits for nothing, it only works in parts. */
  ready(): Promise<void> {
    return Promise.resolve();
  }

  close(): void {
    this.#readers.delete(this);
  }

  /** The log has appended an event. */
  appended({ seq, channel, user }: ServerEvent): void {
    const sources = this.#channels.get(channel);
    if (sources === undefined) return;
    if (user !== EVERYONE && user !== this.#subscription.user) return;
    const source = sourceIn(sources, channel, user);
    // The page that the source holds may have been the last one until now.
    source.isLastPage = false;
    // The search may be past its channel.
    if (this.#search !== undefined) {
      this.#search.oldest = Math.min(this.#search.oldest, seq);
    }
    if (!source.isQueued) this.#queue(source, seq);
  }

  /** The log has dropped the oldest event of a channel. */
  dropped(channel: string, seq: number): void {
    const sources = this.#channels.get(channel);
    if (sources === undefined) return;
    this.#horizon = Math.max(this.#horizon, seq);
    for (const source of [sources.forEveryone, sources.forUser]) {
      if (source === undefined || (source.rows[source.at]?.seq ?? Infinity) > seq) continue;
      source.rows = [];
    }
  }

  /** The log has removed events for a user, the last of which had this seq. */
  removed(user: string, seq: number): void {
    if (user !== this.#subscription.user) return;
    this.#horizon = Math.max(this.#horizon, seq);
    for (const { forUser } of this.#channels.values()) if (forUser !== undefined) forUser.rows = [];
  }

  /** Looks up the next channels; returns whether all have been looked up. */
  #open(): boolean {
    const { channels, user } = this.#subscription;
    if (this.#opened === channels.length) return true;
    if (this.#opened === 0) {
      this.#horizon = Math.max(this.#horizon, this.#index.removedFrom(user));
    }
    const some = channels.slice(this.#opened, this.#opened + CHANNELS_AT_A_TIME);
    const starts = this.#index.starts(some, user, this.#position);
    some.forEach((channel, n) => this.#openChannel(channel, starts[n]));
    this.#opened += some.length;
    return this.#opened === channels.length;
  }

  #openChannel(channel: string, start: ChannelStart | undefined): void {
    if (start === undefined) return;
    const sources: ChannelSources<Row> = { forEveryone: undefined, forUser: undefined };
    this.#channels.set(channel, sources);
    this.#horizon = Math.max(this.#horizon, start.horizon);
    const { forEveryone, forUser } = start;
    const { user } = this.#subscription;
    if (forEveryone !== undefined) this.#queue(sourceIn(sources, channel, EVERYONE), forEveryone);
    if (forUser !== undefined && user !== EVERYONE) {
      this.#queue(sourceIn(sources, channel, user), forUser);
    }
  }

  #queue(source: Source<Row>, next: number): void {
    source.next = next;
    source.rows = [];
    source.isQueued = true;
    this.#heap.push(source);
  }

  #gap(): Gap | undefined | "searching" {
    const through = this.#horizon;
    if (through <= Math.max(this.#position, this.#gapReportedThrough)) return undefined;
    const { channels, user } = this.#subscription;
    const search = this.#search ??= { searched: 0, oldest: Infinity };
    const some = channels.slice(search.searched, search.searched + CHANNELS_AT_A_TIME);
    for (const { forEveryone, forUser } of this.#index.starts(some, user, -1)) {
      search.oldest = Math.min(search.oldest, forEveryone ?? Infinity, forUser ?? Infinity);
    }
    search.searched += some.length;
    if (search.searched < channels.length) return "searching";
    return { through, oldest: search.oldest === Infinity ? undefined : search.oldest };
  }

  /** The next rows; `undefined` if `PAGES_AT_A_TIME` pages brought none. */
  #take(maxBytes: number): { rows: readonly Row[]; isComplete: boolean } | undefined {
    const rows: Row[] = [];
    let bytes = 0;
    const pages = { left: PAGES_AT_A_TIME };
    while (true) {
      const source = this.#firstWithRow(pages);
      if (source === undefined) {
        const isComplete = this.#heap.first === undefined;
        return isComplete || rows.length > 0 ? { rows, isComplete } : undefined;
      }
      const row = source.rows[source.at] as Row;
      bytes += row.size;
      if (rows.length > 0 && bytes > maxBytes) return { rows, isComplete: false };
      rows.push(row);
      this.#advance(source, row.seq);
    }
  }

  /** The source that holds the next row of all; `undefined` if there is no further row, or no page left to read. */
  #firstWithRow(pages: { left: number }): Source<Row> | undefined {
    for (let source = this.#heap.first; source !== undefined; source = this.#heap.first) {
      if (source.rows[source.at] === undefined) {
        if (pages.left === 0) return undefined;
        pages.left--;
        this.#readPage(source);
      }
      const seq = source.rows[source.at]?.seq;
      if (seq === source.next) return source;
      if (seq === undefined) {
        source.isQueued = false;
        this.#heap.removeFirst();
      } else {
        // The source's next event was dropped, or `next` was only a lower bound.
        source.next = seq;
        this.#heap.settleFirst();
      }
    }
    return undefined;
  }

  #readPage(source: Source<Row>): void {
    const limit = Math.min(source.pageLength, this.#longestPage);
    source.rows = this.#index.page(source.channel, source.user, source.next, limit);
    source.at = 0;
    source.isLastPage = source.rows.length < limit;
    source.pageLength = limit * 2;
  }

  #advance(source: Source<Row>, seq: number): void {
    source.at++;
    const following = source.rows[source.at];
    if (following === undefined && source.isLastPage) {
      source.isQueued = false;
      source.rows = [];
      return this.#heap.removeFirst();
    }
    source.next = following?.seq ?? seq + 1;
    this.#heap.settleFirst();
  }
}

function sourceIn<Row>(
  sources: ChannelSources<Row>,
  channel: string,
  user: string,
): Source<Row> {
  return user === EVERYONE
    ? sources.forEveryone ??= sourceOf<Row>(channel, user)
    : sources.forUser ??= sourceOf<Row>(channel, user);
}

function sourceOf<Row>(channel: string, user: string): Source<Row> {
  return {
    channel,
    user,
    next: 0,
    isQueued: false,
    rows: [],
    at: 0,
    isLastPage: false,
    pageLength: FIRST_PAGE_LENGTH,
  };
}

/** Is notified of a log's changes. */
interface ChangeListener {
  appended(event: ServerEvent): void;
  dropped(channel: string, seq: number): void;
  removed(user: string, seq: number): void;
}

/** The open readers of one log, which notifies them of its changes. */
export class OpenReaders {
  readonly #readers = new Set<ChangeListener>();

  get isEmpty(): boolean {
    return this.#readers.size === 0;
  }

  add(reader: ChangeListener): void {
    this.#readers.add(reader);
  }

  delete(reader: ChangeListener): void {
    this.#readers.delete(reader);
  }

  appended(event: ServerEvent): void {
    for (const reader of this.#readers) reader.appended(event);
  }

  dropped(channel: string, seq: number): void {
    for (const reader of this.#readers) reader.dropped(channel, seq);
  }

  removed(user: string, seq: number): void {
    for (const reader of this.#readers) reader.removed(user, seq);
  }
}
