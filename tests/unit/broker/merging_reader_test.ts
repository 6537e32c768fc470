import type { Subscription } from "../../../src/auth/subscription.ts";
import type { Batch, Cursor, HistoryReader } from "../../../src/broker/history_reader.ts";
import {
  type HistoryIndex,
  MergingReader,
  OpenReaders,
} from "../../../src/broker/merging_reader.ts";
import type { Retention } from "../../../src/broker/retention.ts";
import { StoreUnavailable } from "../../../src/lib/errors.ts";
import type { ServerEvent } from "../../../src/sse/event.ts";
import { assert, assertEquals } from "../../support/assert.ts";
import { type SeededRandom, withSeeds } from "../../support/seeded_random.ts";
import { eventAt, LOGS, NaiveLog, type OpenLog } from "../../support/store/naive_log.ts";
import { ROOMY } from "../../support/store/stores.ts";

const START_MS = 1_700_000_000_000;
const USERS = ["ann", "bob", "*"];

/** What no batch comes near. */
const ALL = 2 ** 30;

function channelNames(count: number): string[] {
  return Array.from({ length: count }, (_, n) => `channel ${n}`);
}

/** The seqs of events, which say more in a failure than the events themselves. */
function seqsOf(events: readonly ServerEvent[]): number[] {
  return events.map(({ seq }) => seq);
}

/** A reader under test, and where the reference stands for it. */
interface OpenReader {
  readonly reader: HistoryReader;
  readonly subscription: Subscription;
  cursor: Cursor;
  /** Times that it was asked without a batch. */
  asks: number;
  /** What the reference took for the oldest event at each of them. */
  oldest: (number | undefined)[];
  /** The log's newest seq at the first of them. */
  lastAtFirstAsk: number;
}

/** A log and its reference, taken through the same steps. */
class Run {
  readonly #random: SeededRandom;
  readonly #channels: readonly string[];
  readonly #open: OpenLog;
  readonly #naive: NaiveLog;
  readonly #readers: OpenReader[] = [];
  #nowMs = START_MS;

  constructor(random: SeededRandom, kind: string, channels: number) {
    this.#random = random;
    this.#channels = channelNames(channels);
    const retention: Retention = {
      eventsPerChannel: random.pick([1, 3, 40, 700, 1000]),
      ageMs: random.pick([60_000, 2_000, 3_600_000]),
      bytesPerChannel: random.pick([2_000, 100_000, 2 ** 30]),
      totalBytes: random.pick([20_000, 200_000, 2 ** 30]),
    };
    const now = () => this.#nowMs;
    const make = LOGS[kind];
    assert(make);
    this.#open = make(retention, now);
    this.#naive = new NaiveLog(retention, now);
  }

  /** Takes some random steps, then reads everything to the head. */
  go(steps: number): void {
    for (let step = 0; step < steps; step++) {
      this.#step();
      assertEquals(this.#open.log.last, this.#naive.last);
    }
    for (const open of this.#readers) {
      while (!this.#ask(open)?.reachesHead);
      open.reader.close();
    }
    this.#open[Symbol.dispose]();
  }

  #step(): void {
    const random = this.#random;
    switch (
      random.weighted({ append: 4, burst: 0.3, full: 0.3, open: 1, ask: 6, time: 0.5, close: 0.4 })
    ) {
      case "append":
        return this.#append(random.between(1, 6));
      case "burst":
        return this.#append(random.between(200, 600));
      case "full":
        return this.#open.whileFull(() => this.#append(random.between(1, 3), 50_000));
      case "open":
        return this.#openReader();
      case "ask":
        if (this.#readers.length > 0) this.#ask(random.pick(this.#readers));
        return;
      case "time":
        this.#nowMs += random.pick([1, 100, 3_000, 61_000]);
        return;
      case "close":
        return this.#readers.shift()?.reader.close();
    }
  }

  #append(count: number, padding?: number): void {
    const random = this.#random;
    const few = random.chance(0.5) ? [random.pick(this.#channels)] : this.#channels;
    const users = random.chance(0.3) ? [random.pick(USERS)] : USERS;
    const first = Math.max(this.#naive.last + 1, this.#nowMs * 1000);
    const events = Array.from(
      { length: count },
      (_, n) =>
        eventAt(
          first + n,
          random.pick(few),
          random.pick(users),
          padding ?? random.pick([0, 5, 300]),
        ),
    );
    try {
      this.#open.log.append([{ events, key: undefined }]);
    } catch (error) {
      if (!(error instanceof StoreUnavailable)) throw error;
      return; // None of them is there.
    }
    this.#naive.append(events);
  }

  #openReader(): void {
    const random = this.#random;
    if (this.#readers.length >= 5) return;
    const all = random.shuffled(this.#channels);
    const channels = all.slice(0, random.chance(0.5) ? all.length : random.between(1, all.length));
    const { last } = this.#naive;
    const position = random.chance(0.3)
      ? -1
      : random.between(Math.min(last, this.#naive.retained[0]?.seq ?? last) - 1, last);
    const gapReportedThrough = random.chance(0.8) ? position : random.between(position, last);
    const subscription = { user: random.pick(USERS), channels };
    const cursor = { position, gapReportedThrough };
    const reader = this.#open.log.openReader(subscription, cursor);
    this.#readers.push({ reader, subscription, cursor, asks: 0, oldest: [], lastAtFirstAsk: last });
  }

  /** Asks a reader for a batch, and holds what it gives against the reference. */
  #ask(open: OpenReader): Batch | undefined {
    const { reader, subscription, cursor } = open;
    const maxBytes = this.#random.pick([1, 100, 1_000, 65_536, ALL]);
    this.#naive.trim();
    const batch = reader.next(maxBytes);
    const due = this.#naive.rest(subscription, cursor);
    if (open.oldest.length === 0) open.lastAtFirstAsk = this.#naive.last;
    open.oldest.push(due.gap?.oldest);
    if (batch === undefined) {
      // To open, to search for the oldest, and to skip what was dropped meanwhile, each in parts.
      assert(
        ++open.asks < 5 + subscription.channels.length / 30,
        `${open.asks} asks without a batch`,
      );
      return undefined;
    }
    const what = `from ${JSON.stringify(cursor)}, ${maxBytes} bytes`;
    const { length } = batch.events;
    assertEquals(seqsOf(batch.events), seqsOf(due.events.slice(0, length)), what);
    assertEquals(
      batch.events.map(({ channel, user, bytes }) => [channel, user, bytes]),
      due.events.slice(0, length).map(({ channel, user, bytes }) => [channel, user, bytes]),
    );
    assertEquals(batch.reachesHead, length === due.events.length, `at the head ${what}`);
    assertEquals(
      batch.through,
      batch.reachesHead ? this.#naive.last : batch.events.at(-1)?.seq,
      what,
    );
    this.#checkSize(batch, due.events, maxBytes, subscription);
    this.#checkGap(batch, due.gap, open);
    open.cursor = {
      position: batch.through,
      gapReportedThrough: batch.gap?.through ?? cursor.gapReportedThrough,
    };
    open.asks = 0;
    open.oldest = [];
    return batch;
  }

  #checkSize(
    { events, reachesHead }: Batch,
    due: readonly ServerEvent[],
    maxBytes: number,
    { channels }: Subscription,
  ): void {
    const bytes = events.reduce((sum, { size }) => sum + size, 0);
    assert(reachesHead || events.length > 0, "nothing was given");
    assert(bytes <= maxBytes || events.length === 1, `${bytes} bytes, of ${maxBytes}`);
    const next = due[events.length];
    // Of few channels it gives as much as it may; with many it may stop short.
    if (next === undefined || channels.length > 50) return;
    assert(bytes + next.size > maxBytes, `only ${bytes} bytes of ${maxBytes}`);
  }

  #checkGap({ gap }: Batch, due: Batch["gap"], open: OpenReader): void {
    const { oldest, subscription, lastAtFirstAsk } = open;
    if (oldest.length === 1) {
      return assertEquals(gap, due, `gap of ${subscription.channels.length}`);
    }
    assertEquals(gap?.through, due?.through, "gap");
    if (gap === undefined) return;
    // It was looked for in parts, between which the log changed.
    const seen = oldest.map((seq) => seq ?? Infinity);
    const given = gap.oldest ?? Infinity;
    // Or it was appended, and perhaps dropped again, during the search.
    const isNew = given > lastAtFirstAsk;
    const isBetween = given >= Math.min(...seen) && given <= Math.max(...seen);
    assert(isNew || isBetween, `oldest ${given}, of ${seen}`);
  }
}

for (const kind of Object.keys(LOGS)) {
  Deno.test(`readers give what the log retains, whatever changes while they are open (${kind})`, async () => {
    await withSeeds(12, (random) => {
      new Run(random, kind, random.pick([1, 2, 7, 40])).go(400);
      return Promise.resolve();
    });
  });

  Deno.test(`readers of more channels than are looked up at a time miss nothing either (${kind})`, async () => {
    await withSeeds(4, (random) => {
      new Run(random, kind, random.pick([251, 500, 900])).go(200);
      return Promise.resolve();
    });
  });

  Deno.test(`a long source is given whole, and what comes or goes behind the read part too (${kind})`, () => {
    using open = openLog(kind, { eventsPerChannel: 2000 });
    const { log } = open;
    const expected = append(log, 1, 1500, "red");
    const subscription = { user: "ann", channels: ["red", "blue"] };
    const reader = log.openReader(subscription, { position: 0, gapReportedThrough: 0 });
    const given: number[] = [];
    for (let batch = reader.next(1000);; batch = reader.next(1000)) {
      assert(batch);
      given.push(...seqsOf(batch.events));
      if (batch.reachesHead) break;
      if (given.length < 1000) expected.push(...append(log, expected.length + 1, 7, "red"));
    }
    assertEquals(given, expected);
    reader.close();
  });

  Deno.test(`what was dropped while it was held is not given, but told (${kind})`, () => {
    using open = openLog(kind, { eventsPerChannel: 10 });
    const { log } = open;
    append(log, 1, 10, "red");
    const subscription = { user: "ann", channels: ["red"] };
    const reader = log.openReader(subscription, { position: 0, gapReportedThrough: 0 });
    assertEquals(seqsOf(reader.next(1)?.events ?? []), [1]);
    append(log, 11, 5, "red");
    const { events, gap, reachesHead } = reader.next(ALL) ?? {};
    assertEquals(gap, { through: 5, oldest: 6 });
    assertEquals([seqsOf(events ?? []), reachesHead], [[6, 7, 8, 9, 10, 11, 12, 13, 14, 15], true]);
    assertEquals(reader.next(ALL), { events: [], through: 15, reachesHead: true, gap: undefined });
    reader.close();
  });

  Deno.test(`what is appended while channels are still looked up is given once (${kind})`, () => {
    using open = openLog(kind, {});
    const { log } = open;
    const channels = channelNames(600);
    const subscription = { user: "ann", channels };
    const reader = log.openReader(subscription, { position: 0, gapReportedThrough: 0 });
    let seq = 0;
    const events: number[] = [];
    let batch: Batch | undefined;
    while ((batch = reader.next(ALL)) === undefined) {
      // In the first part, which is looked up by now, and in the last, which is not yet.
      events.push(...append(log, ++seq, 1, "channel 0"), ...append(log, ++seq, 1, "channel 599"));
    }
    assert(events.length > 0, "all was looked up at once");
    assertEquals(seqsOf(batch.events), events);
    reader.close();
  });

  Deno.test(`a gap of many channels is told after few asks, though nothing is left of them (${kind})`, () => {
    let nowMs = START_MS;
    using open = openLog(kind, { ageMs: 60_000 }, () => nowMs);
    const { log } = open;
    const channels = channelNames(2500);
    const events = channels.map((channel, n) => eventAt(START_MS * 1000 + n, channel));
    log.append([{ events, key: undefined }]);
    const subscription = { user: "ann", channels };
    const reader = log.openReader(subscription, { position: 0, gapReportedThrough: 0 });
    let asks = 1;
    for (; asks < 10; asks++) assertEquals(reader.next(ALL), undefined);
    nowMs += 70_000;
    let batch = reader.next(ALL);
    for (; batch === undefined; batch = reader.next(ALL)) {
      assert(++asks <= 60, `${asks} asks brought no batch`);
    }
    const { last } = log;
    assertEquals(batch, {
      events: [],
      through: last,
      reachesHead: true,
      gap: { through: last, oldest: undefined },
    });
    reader.close();
  });
}

function openLog(kind: string, retention: Partial<Retention>, now = () => START_MS): OpenLog {
  const make = LOGS[kind];
  assert(make);
  // Seqs from 1 would be older than any age.
  return make({ ...ROOMY, ageMs: Infinity, ...retention }, now);
}

function append(log: OpenLog["log"], first: number, count: number, channel: string): number[] {
  const events = Array.from({ length: count }, (_, n) => eventAt(first + n, channel));
  log.append([{ events, key: undefined }]);
  return seqsOf(events);
}

/** An index of one event in each channel, which counts what it is asked for at a time. */
class CountedIndex implements HistoryIndex<ServerEvent> {
  lookups = 0;
  pages = 0;
  longestPage = 0;
  readonly #events: ReadonlyMap<string, readonly ServerEvent[]>;
  readonly last: number;

  constructor(events: ReadonlyMap<string, readonly ServerEvent[]>, last: number) {
    this.#events = events;
    this.last = last;
  }

  trim(): boolean {
    return true;
  }

  removedFrom(): number {
    return -1;
  }

  starts(channels: readonly string[], _user: string, position: number) {
    this.lookups += channels.length;
    return channels.map((channel) => ({
      horizon: 0,
      forEveryone: this.#events.get(channel)?.find(({ seq }) => seq > position)?.seq,
      forUser: undefined,
    }));
  }

  page(channel: string, _user: string, from: number, limit: number) {
    this.pages++;
    this.longestPage = Math.max(this.longestPage, limit);
    const events = this.#events.get(channel) ?? [];
    return events.filter(({ seq }) => seq >= from).slice(0, limit);
  }

  load(rows: readonly ServerEvent[]) {
    return rows;
  }
}

Deno.test("no ask takes longer for a subscription of more channels, and none holds more of them", () => {
  const channels = channelNames(10_000);
  const events = new Map(
    channels.map((channel, n) => [channel, [1, 2, 3].map((m) => eventAt(m * 10_000 + n, channel))]),
  );
  const index = new CountedIndex(events, 39_999);
  const readers = new OpenReaders();
  const cursor = { position: 0, gapReportedThrough: -1 };
  const reader = new MergingReader(index, { user: "ann", channels }, cursor, readers);
  assertEquals([reader.size, readers.isEmpty], [20_000, false]);
  const given: number[] = [];
  for (let isOver = false; !isOver;) {
    index.lookups = index.pages = 0;
    const batch = reader.next(ALL);
    given.push(...seqsOf(batch?.events ?? []));
    isOver = batch?.reachesHead ?? false;
    assert(index.lookups <= 1000, `${index.lookups} channels were looked up at a time`);
    assert(index.pages <= 1000, `${index.pages} pages were read at a time`);
  }
  assertEquals(given, Array.from({ length: 30_000 }, (_, n) => 10_000 + n));
  // A page of so many sources must be short: all of them are held at once.
  assert(index.longestPage <= 2, `pages of ${index.longestPage} rows`);
  reader.close();
  assertEquals(readers.isEmpty, true);
});

Deno.test("a batch costs what it yields, not what there is to read", () => {
  const events = new Map([["red", Array.from({ length: 5000 }, (_, n) => eventAt(n + 1, "red"))]]);
  const index = new CountedIndex(events, 5000);
  const cursor = { position: 0, gapReportedThrough: 0 };
  const reader = new MergingReader(
    index,
    { user: "ann", channels: ["red"] },
    cursor,
    new OpenReaders(),
  );
  assertEquals(seqsOf(reader.next(1)?.events ?? []), [1]);
  assert(index.pages === 1 && index.longestPage <= 32, `pages of ${index.longestPage} rows`);
  let batches = 1;
  while (!reader.next(300)?.reachesHead) batches++;
  assert(index.pages < batches / 20, `${index.pages} pages for ${batches} batches`);
  assertEquals(index.lookups, 1);
  reader.close();
});
