import type { Batch, ReadStart } from "../../../src/broker/history_reader.ts";
import { MemoryLog } from "../../../src/broker/memory_log.ts";
import { type OlderHistory, WindowReader } from "../../../src/broker/window_reader.ts";
import { formatId } from "../../../src/sse/log_position.ts";
import { assertEquals, assertRejects } from "../../support/assert.ts";
import { eventAt } from "../../support/store/naive_log.ts";
import { ROOMY } from "../../support/store/stores.ts";

const EPOCH = "window";
const ALL = 2 ** 30;
const ANN = { user: "ann", channels: ["red"] };
const RETENTION = { ...ROOMY, ageMs: Infinity };

/** A window that begins at a place, with events after it. */
function windowAfter(seq: number, count: number, retention = RETENTION): MemoryLog {
  const log = new MemoryLog(retention, () => 0, { seq, epoch: EPOCH });
  append(log, count);
  return log;
}

function append(log: MemoryLog, count: number, channel = "red"): void {
  for (let n = 0; n < count; n++) {
    log.append([{ events: [eventAt(log.last + 1, channel)], key: undefined }]);
  }
}

/** Answers what the test gives it, and notes what it is asked for. */
class NotedHistory implements OlderHistory {
  readonly starts: ReadStart[] = [];
  readonly answers: (Batch | undefined | Error)[];
  held = 0;

  constructor(...answers: (Batch | undefined | Error)[]) {
    this.answers = answers;
  }

  open(_: unknown, start: ReadStart) {
    this.starts.push(start);
    this.held++;
    return {
      next: () => {
        const answer = this.answers.shift();
        return answer instanceof Error ? Promise.reject(answer) : Promise.resolve(answer);
      },
      close: () => void this.held--,
    };
  }
}

function batch(seqs: readonly number[], through: number, gap?: Batch["gap"]): Batch {
  return { events: seqs.map((seq) => eventAt(seq, "red")), through, reachesHead: true, gap };
}

/** What a batch brings, in short. */
function brief(batch: Batch | undefined) {
  return batch && [batch.events.map(({ seq }) => seq), batch.through, batch.reachesHead];
}

function at(position: number): ReadStart {
  return { position, gapReportedThrough: position };
}

Deno.test("what the window holds is read from there at once, and nobody else is asked", () => {
  const window = windowAfter(10, 5);
  const older = new NotedHistory();
  for (const start of [at(12), { lastEventId: formatId(12, EPOCH) }]) {
    const reader = new WindowReader(() => window, older, ANN, start);
    assertEquals(brief(reader.next(1)), [[13], 13, false]);
    assertEquals(brief(reader.next(ALL)), [[14, 15], 15, true]);
    assertEquals(brief(reader.next(ALL)), [[], 15, true]);
    reader.close();
  }
  assertEquals(older.starts, []);
});

Deno.test("what is older than the window is asked for, and the rest comes from the window", async () => {
  const window = windowAfter(10, 5);
  const older = new NotedHistory(batch([8], 8), undefined, batch([9, 10], 10));
  const reader = new WindowReader(() => window, older, ANN, at(7));
  assertEquals(reader.next(ALL), undefined);
  await reader.ready();
  // An answer is never taken for the head: that may have moved since it was made.
  assertEquals(brief(reader.next(ALL)), [[8], 8, false]);
  for (let ask = 0; ask < 2; ask++) {
    assertEquals(reader.next(ALL), undefined);
    await reader.ready();
  }
  assertEquals(brief(reader.next(ALL)), [[9, 10], 10, false]);
  assertEquals(older.held, 1);
  assertEquals(brief(reader.next(ALL)), [[11, 12, 13, 14, 15], 15, true]);
  // One reader of what is older was enough, and it is not held any longer.
  assertEquals([older.starts, older.held], [[at(7)], 0]);
  reader.close();
});

Deno.test("an id of another log, or of an event itself, is for the older history to know", async () => {
  const window = windowAfter(10, 5);
  for (const lastEventId of [formatId(12, "others"), "order 1"]) {
    const older = new NotedHistory(batch([12], 12));
    const reader = new WindowReader(() => window, older, ANN, { lastEventId });
    assertEquals(reader.next(ALL), undefined);
    await reader.ready();
    assertEquals(brief(reader.next(ALL)), [[12], 12, false]);
    assertEquals(brief(reader.next(ALL)), [[13, 14, 15], 15, true]);
    assertEquals(older.starts, [{ lastEventId }]);
    reader.close();
  }
});

Deno.test("a place that the window has not come to yet is asked for elsewhere", async () => {
  const window = windowAfter(10, 5);
  const older = new NotedHistory(batch([], 20));
  const reader = new WindowReader(() => window, older, ANN, at(20));
  assertEquals(reader.next(ALL), undefined);
  await reader.ready();
  assertEquals(brief(reader.next(ALL)), [[], 20, false]);
  append(window, 6);
  assertEquals(brief(reader.next(ALL)), [[21], 21, true]);
  reader.close();
});

Deno.test("what the window alone has dropped while it was read is no gap, but asked for", async () => {
  const window = windowAfter(10, 5, { ...RETENTION, eventsPerChannel: 5 });
  const older = new NotedHistory(batch([12, 13], 13));
  const reader = new WindowReader(() => window, older, ANN, at(10));
  assertEquals(brief(reader.next(1)), [[11], 11, false]);
  append(window, 3);
  assertEquals(reader.next(ALL), undefined);
  await reader.ready();
  assertEquals(brief(reader.next(ALL)), [[12, 13], 13, false]);
  assertEquals(brief(reader.next(ALL)), [[14, 15, 16, 17, 18], 18, true]);
  assertEquals(older.starts, [{ position: 11, gapReportedThrough: 10 }]);
  reader.close();
});

Deno.test("nor is what comes of age in the window as it is read", async () => {
  let nowMs = 0;
  const place = { seq: 10, epoch: EPOCH };
  const window = new MemoryLog({ ...ROOMY, ageMs: 1000 }, () => nowMs, place);
  append(window, 2);
  const older = new NotedHistory(batch([11, 12], 12));
  const reader = new WindowReader(() => window, older, ANN, at(10));
  nowMs = 2000;
  assertEquals(reader.next(ALL), undefined);
  await reader.ready();
  assertEquals(brief(reader.next(ALL)), [[11, 12], 12, false]);
  assertEquals(brief(reader.next(ALL)), [[], 12, true]);
  reader.close();
});

Deno.test("a gap of which the older history tells is told once", async () => {
  const window = windowAfter(20, 0);
  const gap = { through: 15, oldest: 3 };
  const older = new NotedHistory(batch([3], 3, gap), batch([], 20));
  const reader = new WindowReader(
    () => window,
    older,
    { ...ANN, channels: ["red", "blue"] },
    at(1),
  );
  assertEquals(reader.next(ALL), undefined);
  await reader.ready();
  assertEquals(reader.next(ALL)?.gap, gap);
  assertEquals(reader.next(ALL), undefined);
  await reader.ready();
  assertEquals(brief(reader.next(ALL)), [[], 20, false]);
  assertEquals(brief(reader.next(ALL)), [[], 20, true]);
  reader.close();
});

Deno.test("after a removal of which the window held nothing, that user's readers ask the older history", async () => {
  const window = windowAfter(10, 0);
  window.removeNow({ of: { user: "ann" }, through: 15 });
  window.advance(16);
  const gap = { through: 14, oldest: undefined };
  const older = new NotedHistory(batch([], 16, gap));
  const reader = new WindowReader(() => window, older, ANN, at(12));
  assertEquals(reader.next(ALL), undefined);
  await reader.ready();
  assertEquals(reader.next(ALL)?.gap, gap);
  const other = new WindowReader(() => window, older, { ...ANN, user: "bob" }, at(12));
  assertEquals(brief(other.next(ALL)), [[], 16, true]);
  reader.close();
  other.close();
});

Deno.test("a removal of which the window held nothing is told to readers that are open", async () => {
  const window = windowAfter(10, 3);
  const older = new NotedHistory(batch([], 14));
  const reader = new WindowReader(() => window, older, ANN, at(10));
  assertEquals(brief(reader.next(1)), [[11], 11, false]);
  window.removeNow({ of: { user: "ann" }, through: 13 });
  assertEquals(reader.next(ALL), undefined);
  await reader.ready();
  assertEquals(older.starts, [{ position: 11, gapReportedThrough: 10 }]);
  reader.close();
});

Deno.test("a window that takes the place of another is read from where the reader is", () => {
  let window = windowAfter(10, 5);
  const reader = new WindowReader(() => window, new NotedHistory(), ANN, at(10));
  assertEquals(brief(reader.next(1)), [[11], 11, false]);
  window = windowAfter(10, 8);
  assertEquals(brief(reader.next(ALL)), [[12, 13, 14, 15, 16, 17, 18], 18, true]);
  reader.close();
});

Deno.test("a window of many channels is opened in parts, without asking anyone", async () => {
  const window = windowAfter(10, 0);
  const channels = Array.from({ length: 600 }, (_, n) => `channel ${n}`);
  append(window, 1, "channel 599");
  const older = new NotedHistory();
  const reader = new WindowReader(() => window, older, { user: "ann", channels }, at(10));
  assertEquals(reader.size, 1200);
  let given = reader.next(ALL);
  for (let ask = 0; given === undefined && ask < 10; ask++) {
    await reader.ready();
    given = reader.next(ALL);
  }
  assertEquals(brief(given), [[11], 11, true]);
  assertEquals(older.starts, []);
  reader.close();
});

Deno.test("a failure of the older history is the reader's, and closing lets go of it", async () => {
  const older = new NotedHistory(new Error("damaged"));
  const reader = new WindowReader(() => windowAfter(10, 0), older, ANN, at(1));
  assertEquals(reader.next(ALL), undefined);
  await assertRejects(() => reader.ready(), /damaged/);
  assertEquals(older.held, 1);
  reader.close();
  assertEquals(older.held, 0);
});
