import type { Batch, HistoryReader } from "../../../../src/broker/history_reader.ts";
import { HistoryServer } from "../../../../src/broker/thread/history_server.ts";
import type { ToFollower } from "../../../../src/broker/thread/messages.ts";
import { Pacer } from "../../../../src/lib/pacer.ts";
import { assert, assertEquals } from "../../../support/assert.ts";
import { FakeTime, settle } from "../../../support/hub/fake_time.ts";

const EMPTY: Batch = { events: [], through: 7, reachesHead: true, gap: undefined };

/** A reader that answers what the test gives it; each read takes a time. */
class ScriptedReader implements HistoryReader {
  readonly size = 2;
  reads = 0;
  isClosed = false;
  readonly #answers: (Batch | undefined | Error)[];
  readonly #onRead: () => void;

  constructor(answers: (Batch | undefined | Error)[], onRead = () => {}) {
    this.#answers = answers;
    this.#onRead = onRead;
  }

  next(): Batch | undefined {
    this.reads++;
    this.#onRead();
    const answer = this.#answers.shift();
    if (answer instanceof Error) throw answer;
    return answer;
  }

  ready(): Promise<void> {
    return Promise.resolve();
  }

  close(): void {
    this.isClosed = true;
  }
}

const SUBSCRIPTION = { user: "ann", channels: ["red"] };
const START = { position: 1, gapReportedThrough: 1 };

function serverWith(readers: readonly ScriptedReader[], time: FakeTime) {
  const left = [...readers];
  const broker = { openReader: () => left.shift() as ScriptedReader };
  const posted: ToFollower[] = [];
  const server = new HistoryServer(broker, (resume) => new Pacer(time, resume));
  const follower = server.connect((message) => posted.push(message));
  readers.forEach((_, n) =>
    follower.take({ kind: "open", reader: n, subscription: SUBSCRIPTION, start: START })
  );
  return { follower, posted };
}

Deno.test("a reader that needs another call is asked again, and each read has one answer", async () => {
  using time = new FakeTime();
  const reader = new ScriptedReader([undefined, undefined, EMPTY]);
  const { follower, posted } = serverWith([reader], time);
  follower.take({ kind: "read", reader: 0, maxBytes: 1 });
  await settle();
  assertEquals(posted.map(({ kind }) => kind), ["history"]);
  assertEquals(reader.reads, 3);
});

Deno.test("a store that has failed for good is reported to the reader", async () => {
  using time = new FakeTime();
  const { follower, posted } = serverWith([new ScriptedReader([new Error("disk gone")])], time);
  follower.take({ kind: "read", reader: 0, maxBytes: 1 });
  await settle();
  assertEquals(posted, [{ kind: "history failed", reader: 0, reason: "disk gone" }]);
});

Deno.test("a closed reader is not read any more, and a follower that is gone leaves none open", async () => {
  using time = new FakeTime();
  const readers = [new ScriptedReader([undefined, EMPTY]), new ScriptedReader([])];
  const { follower, posted } = serverWith(readers, time);
  follower.take({ kind: "read", reader: 0, maxBytes: 1 });
  follower.take({ kind: "close", reader: 0 });
  await settle();
  follower.close();
  assertEquals([posted, readers.map(({ isClosed }) => isClosed)], [[], [true, true]]);
});

Deno.test("after some milliseconds of reading other work gets its turn", async () => {
  using time = new FakeTime();
  let now = 0;
  const clock = { wall: () => now, steady: () => now };
  const left = Array.from({ length: 10 }, () => new ScriptedReader([EMPTY], () => now += 3));
  const all = [...left];
  const server = new HistoryServer(
    { openReader: () => left.shift() as ScriptedReader },
    (resume) => new Pacer(clock, resume),
  );
  const posted: ToFollower[] = [];
  const follower = server.connect((message) => posted.push(message));
  for (let reader = 0; reader < 10; reader++) {
    follower.take({ kind: "open", reader, subscription: SUBSCRIPTION, start: START });
    follower.take({ kind: "read", reader, maxBytes: 1 });
  }
  assert(posted.length < 10, "all was read in one turn");
  for (let turn = 0; turn < 10; turn++) await time.advance(1);
  assertEquals([posted.length, all.every(({ reads }) => reads === 1)], [10, true]);
});

Deno.test("a reader that cannot be opened is reported to its first read", async () => {
  using time = new FakeTime();
  const posted: ToFollower[] = [];
  const broker = {
    openReader: () => {
      throw new Error("disk gone");
    },
  };
  const server = new HistoryServer(broker, (resume) => new Pacer(time, resume));
  const follower = server.connect((message) => posted.push(message));
  follower.take({ kind: "open", reader: 1, subscription: SUBSCRIPTION, start: START });
  follower.take({ kind: "read", reader: 1, maxBytes: 1 });
  await settle();
  assertEquals(posted, [{ kind: "history failed", reader: 1, reason: "disk gone" }]);
});
