/**
 * A long history costs no more work per emit and per resume than a short one: counted, not timed.
 *
 * @module
 */
import type { DatabaseSync, SQLInputValue } from "node:sqlite";
import type { Subscription } from "../../../src/auth/subscription.ts";
import type { Broker } from "../../../src/broker/broker.ts";
import type { Batch, ReadStart } from "../../../src/broker/history_reader.ts";
import { LocalBroker } from "../../../src/broker/local_broker.ts";
import type { Log } from "../../../src/broker/log.ts";
import { MemoryLog } from "../../../src/broker/memory_log.ts";
import { openSqliteFile } from "../../../src/broker/sqlite/sqlite_file.ts";
import { SqliteLog } from "../../../src/broker/sqlite/sqlite_log.ts";
import { prepareStatements } from "../../../src/broker/sqlite/sqlite_statements.ts";
import { Deque } from "../../../src/lib/deque.ts";
import type { Retention } from "../../../src/broker/retention.ts";
import { publication } from "../../support/hub/rig.ts";
import { assert, assertEquals } from "../../support/assert.ts";
import { TempDir } from "../../support/temp_dir.ts";
import { ROOMY, SILENT } from "../../support/store/stores.ts";

/** More than the file is read in pages of. */
const SHORT = 1200;
const LONG = 10_000;

/** The counted work: steps in memory, or statements run and rows read. */
interface Counter {
  steps: number;
}

/** Fills a log to its limit, so that each further event drops one, and counts the work for one of each. */
async function countWork(
  log: Log,
  counter: Counter,
  length: number,
): Promise<Record<string, number>> {
  const broker = new LocalBroker(log, () => 1_000_000_000_000, SILENT);
  const emit = (user: string, count: number) =>
    broker.publish(Array.from({ length: count }, (_, n) => {
      const channel = ["red", "blue", "green"][n % 3] ?? "red";
      return publication(channel, user, [`${n % 10 === 0 ? `id: own ${n}\n` : ""}data: ${n}`]);
    }));
  await emit("bob", length);
  await emit("*", length);
  await emit("ann", length);
  const subscription = { user: "ann", channels: ["red", "blue"] };
  const head = broker.head.seq;
  const count = async (work: () => unknown) => {
    const before = counter.steps;
    await work();
    return counter.steps - before;
  };
  await emit("ann", 3);
  return {
    emit: await count(() => emit("*", 1)),
    "keyed emit": await count(() =>
      broker.publish([publication("red", "*", ["id: x\ndata: x"], "k")])
    ),
    "short replay": await count(() =>
      readOnce(broker, subscription, { position: head, gapReportedThrough: head }, 65_536)
    ),
    "first part of a long replay": await count(() =>
      readOnce(broker, subscription, { position: -1, gapReportedThrough: -1 }, 2000)
    ),
    "resume at the head": await count(() =>
      readOnce(broker, subscription, { position: head + 9, gapReportedThrough: head }, 65_536)
    ),
    "looking up an own id": await count(() => log.find(`own ${length - 10}`, subscription)),
    "looking up an unknown id": await count(() => log.find("unheard of", subscription)),
  };
}

function readOnce(
  broker: Broker,
  subscription: Subscription,
  start: ReadStart,
  maxBytes: number,
): Batch | undefined {
  const reader = broker.openReader(subscription, start);
  const batch = reader.next(maxBytes);
  reader.close();
  return batch;
}

/** Enough for a binary search through the long history, in each of a replay's four sources and its start. */
const SEARCHES = 5 * Math.ceil(Math.log2(LONG));

function assertNoMoreWork(
  short: Record<string, number>,
  long: Record<string, number>,
  more: number,
): void {
  for (const [name, steps] of Object.entries(long)) {
    assert(steps > 0 || name.startsWith("looking up"), `nothing was counted for ${name}`);
    assert(
      steps <= (short[name] ?? 0) + more,
      `${name}: ${steps} steps, ${short[name]} on a short history`,
    );
  }
}

function limitedTo(length: number): Retention {
  return { ...ROOMY, eventsPerChannel: length };
}

Deno.test("in memory a long history costs no more steps than a short one", async () => {
  const counter: Counter = { steps: 0 };
  const original = Object.getOwnPropertyDescriptors(Deque.prototype);
  const { at, push, shift, firstIndex } = Deque.prototype;
  Deque.prototype.at = function (index) {
    counter.steps++;
    return at.call(this, index);
  };
  Deque.prototype.push = function (item) {
    counter.steps++;
    push.call(this, item);
  };
  Deque.prototype.shift = function () {
    counter.steps++;
    return shift.call(this);
  };
  Deque.prototype.firstIndex = function (test) {
    return firstIndex.call(this, (item) => {
      counter.steps++;
      return test(item);
    });
  };
  try {
    const work = (length: number) =>
      countWork(new MemoryLog(limitedTo(length), () => 1_000_000_000_000), counter, length);
    assertNoMoreWork(await work(SHORT), await work(LONG), SEARCHES);
  } finally {
    Object.defineProperties(Deque.prototype, original);
  }
});

/** Makes a database count the statements that are run on it and the rows that they answer. */
function countStatements(database: DatabaseSync, counter: Counter): void {
  const prepare = database.prepare.bind(database);
  database.prepare = (sql) => {
    const statement = prepare(sql);
    const run = statement.run.bind(statement);
    const get = statement.get.bind(statement);
    const all = statement.all.bind(statement);
    const iterate = statement.iterate.bind(statement);
    Object.assign(statement, {
      run: (...parameters: SQLInputValue[]) => {
        counter.steps++;
        return run(...parameters);
      },
      get: (...parameters: SQLInputValue[]) => {
        counter.steps++;
        return get(...parameters);
      },
      all: (...parameters: SQLInputValue[]) => {
        const rows = all(...parameters);
        counter.steps += 1 + rows.length;
        return rows;
      },
      *iterate(...parameters: SQLInputValue[]) {
        counter.steps++;
        for (const row of iterate(...parameters)) {
          counter.steps++;
          yield row;
        }
      },
    });
    return statement;
  };
}

Deno.test("in a file a long history costs no more statements and rows than a short one", async () => {
  await using dir = await TempDir.make();
  const work = async (length: number) => {
    const counter: Counter = { steps: 0 };
    const database = openSqliteFile(dir.join(`${length}.db`));
    countStatements(database, counter);
    const log = new SqliteLog(database, limitedTo(length), () => 1_000_000_000_000);
    try {
      return await countWork(log, counter, length);
    } finally {
      log.close();
    }
  };
  assertNoMoreWork(await work(SHORT), await work(LONG), 0);
});

/** Statements that are run when a store is opened, and after a write that failed. */
const AT_THE_START = /SELECT max\(|SELECT\s+\(SELECT coalesce\(sum\(size\)/;

Deno.test("every statement on a file finds its rows by an index, none sorts", async () => {
  await using dir = await TempDir.make();
  const database = openSqliteFile(dir.join("store.db"));
  const prepare = database.prepare.bind(database);
  const statements: string[] = [];
  database.prepare = (sql) => {
    statements.push(sql);
    return prepare(sql);
  };
  prepareStatements(database);
  const queries = statements.filter((sql) => /^\s*(SELECT|INSERT|UPDATE|DELETE)/.test(sql));
  assert(queries.length > 15, "the statements were seen");
  const bad = queries.flatMap((sql) => {
    const plan = prepare(`EXPLAIN QUERY PLAN ${sql}`).all().map(({ detail }) => String(detail));
    const readsOne = /ORDER BY \w+ LIMIT 1$/.test(sql);
    const wrong = plan.filter((line) =>
      line.includes("TEMP B-TREE") ||
      (line.startsWith("SCAN") && !readsOne && !/^SCAN (CONSTANT|json_each)/.test(line) &&
        !(AT_THE_START.test(sql) && !line.startsWith("SCAN event")))
    );
    return wrong.map((line) => `${line} in ${sql}`);
  });
  database.close();
  assertEquals(bad, []);
});
