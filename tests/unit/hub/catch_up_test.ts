import { assert, assertEquals } from "../../support/assert.ts";
import { FakeTime, settle } from "../../support/hub/fake_time.ts";
import {
  EPOCH,
  type Script,
  type ScriptedClient,
  ScriptedHistory,
} from "../../support/hub/scripted_history.ts";

/** Above the size of a reader that is opened again for each batch. */
const LARGE = 1000;

/** More than waits for a client before its stream stops asking. */
const FULL = 70_000;

/** Readers that are open at a time. */
const MOST_OPEN = 64;

function names(count: number, prefix = "user"): string[] {
  return Array.from({ length: count }, (_, n) => `${prefix}${n}`);
}

function connectAll(
  history: ScriptedHistory,
  users: readonly string[],
  script: Script,
  takes = true,
): ScriptedClient[] {
  return users.map((user) => history.connect(user, script, takes));
}

function textOf(...seqs: readonly number[]): string {
  return seqs.map((seq) => `data: ${seq}\nid: ${String(seq).padStart(16, "0")}-${EPOCH}\n\n`)
    .join("");
}

function assertAllLive(clients: readonly ScriptedClient[]): void {
  const behind = clients.filter(({ subscriber }) => !subscriber.isLive)
    .map(({ subscriber }) => subscriber.claims.user);
  assertEquals(behind, [], "subscribers that are still behind");
}

/** Ends the subscribers, and checks that whatever reader was opened for them is closed, once. */
function assertNothingHeld(history: ScriptedHistory, clients: readonly ScriptedClient[]): void {
  for (const { subscriber } of clients) history.end(subscriber);
  assertEquals([history.open, history.misuses], [0, 0], "readers left open, and misused");
}

/** Notes how much had been read at each turn that live work got, as long as anything is read. */
function noteTurns({ asked }: ScriptedHistory): readonly number[] {
  const turns: number[] = [];
  const tick = () => {
    const isOver = turns.length > 0 && turns.at(-1) === asked.length;
    turns.push(asked.length);
    if (!isOver) setTimeout(tick, 0);
  };
  setTimeout(tick, 0);
  return turns;
}

/** Checks that some reads of a millisecond each came between two turns, and not many. */
function assertShort(turns: readonly number[], total: number): void {
  const between = turns.map((asked, n) => asked - (turns[n - 1] ?? 0));
  assert(Math.max(...between) <= 8, `reads between turns: ${between}`);
  assertEquals(turns.at(-1), total, "reads that were counted");
  // Nor are there more pauses than that takes.
  assert(turns.length < total / 2.5, `reads between turns: ${between}`);
}

Deno.test("a subscriber that is behind is given everything in order, and then goes live", async () => {
  const history = new ScriptedHistory();
  const client = history.connect("ann", { last: 5 });
  await settle();
  assertEquals(client.text, textOf(1, 2, 3, 4, 5));
  assertEquals([client.subscriber.isLive, client.subscriber.position], [true, 5]);
  assertEquals(history.open, 0);
  assertNothingHeld(history, [client]);
});

Deno.test("subscribers get a batch each in turn", async () => {
  const history = new ScriptedHistory();
  const clients = connectAll(history, ["ann", "bob", "cleo"], { last: 3 });
  await settle();
  assertEquals(history.asked.join(" "), "ann bob cleo ann bob cleo ann bob cleo");
  assertAllLive(clients);
  assertNothingHeld(history, clients);
});

Deno.test("live work gets its turn after some milliseconds of reading, whoever is behind", async () => {
  using time = new FakeTime();
  const history = new ScriptedHistory();
  history.costMs = 1;
  const turns = noteTurns(history);
  const clients = connectAll(history, names(10), { last: 5 });
  await time.advance(0);
  assertShort(turns, history.asked.length);
  assertAllLive(clients);
  // In turn, across the pauses too.
  const inTurn = Array.from({ length: 5 }, () => names(10)).flat();
  assertEquals(history.asked.join(" "), inTurn.join(" "));
  assertNothingHeld(history, clients);
});

Deno.test("one subscriber with a long history does not hold up live work either", async () => {
  using time = new FakeTime();
  const history = new ScriptedHistory();
  history.costMs = 1;
  const turns = noteTurns(history);
  const next = (position: number) => ({
    events: [],
    through: position + 1,
    reachesHead: position === 99,
    gap: undefined,
  });
  const client = history.connect("ann", { next });
  await time.advance(0);
  assertEquals([history.asked.length, client.subscriber.isLive], [100, true]);
  assertShort(turns, 100);
  assertNothingHeld(history, [client]);
});

Deno.test("a reader that is not ready for long does not hold up live work", async () => {
  using time = new FakeTime();
  const history = new ScriptedHistory();
  history.costMs = 1;
  const turns = noteTurns(history);
  const client = history.connect("ann", { waits: 99 });
  await time.advance(0);
  assertEquals([history.asked.length, client.subscriber.isLive], [100, true]);
  assertShort(turns, 100);
  assertNothingHeld(history, [client]);
});

Deno.test("a request that comes while others have their turn waits for its own", async () => {
  using time = new FakeTime();
  const history = new ScriptedHistory();
  history.costMs = 10;
  const first = history.connect("ann");
  await settle();
  const second = history.connect("bob");
  await settle();
  assertEquals(history.asked, ["ann"]);
  await time.advance(0);
  assertEquals(history.asked, ["ann", "bob"]);
  await time.advance(0);
  assertAllLive([first, second]);
  assertNothingHeld(history, [first, second]);
});

Deno.test("reads that are far apart need no pause", async () => {
  using time = new FakeTime();
  const history = new ScriptedHistory();
  history.costMs = 1;
  for (const user of names(20)) {
    const client = history.connect(user);
    await settle();
    assertEquals([client.subscriber.isLive, time.timers], [true, 0], user);
    history.pass(50);
    assertNothingHeld(history, [client]);
  }
});

Deno.test("a small reader is open for one batch at a time, a large one until it is at the head", async () => {
  for (const { size, opened } of [{ size: 2, opened: 4 }, { size: LARGE, opened: 1 }]) {
    const history = new ScriptedHistory();
    const client = history.connect("ann", { size, last: 4 });
    await settle();
    assertEquals([client.text, history.opened.length], [textOf(1, 2, 3, 4), opened]);
    assertEquals(history.open, 0);
    assertNothingHeld(history, [client]);
  }
});

Deno.test("a small reader is not held while its client takes nothing", async () => {
  const history = new ScriptedHistory();
  const client = history.connect("ann", { last: 3, padding: FULL }, false);
  await settle();
  assertEquals([history.asked.length, history.open], [1, 0]);
  client.take();
  await settle();
  assertEquals([client.text, history.open], [textOf(1, 2, 3), 0]);
  assertNothingHeld(history, [client]);
});

Deno.test("reading goes on where a batch brought nothing that the subscriber hears", async () => {
  for (const size of [1, LARGE]) {
    const history = new ScriptedHistory();
    const next = (position: number) => ({
      events: position === 4 ? [history.event(5)] : [],
      through: position + 1,
      reachesHead: position === 9,
      gap: undefined,
    });
    const client = history.connect("ann", { size, next });
    await settle();
    assertEquals([client.text, client.subscriber.isLive], [textOf(5), true]);
    assertEquals(history.open, 0, "readers of a subscriber that is live");
    assertNothingHeld(history, [client]);
  }
});

Deno.test("a reader that has to wait keeps its place, and is asked again when it is ready", async () => {
  for (const size of [1, LARGE]) {
    const history = new ScriptedHistory();
    const answer = Promise.withResolvers<void>();
    const waiting = history.connect("ann", { size, waits: 1, ready: () => answer.promise });
    const other = history.connect("bob", { last: 20 });
    await settle();
    assertEquals([other.subscriber.isLive, waiting.subscriber.isLive], [true, false]);
    assertEquals(history.asked.filter((user) => user === "ann").length, 1);
    answer.resolve();
    await settle();
    assertEquals([waiting.text, history.opened.filter((user) => user === "ann").length], [
      textOf(1),
      1,
    ]);
    assertNothingHeld(history, [waiting, other]);
  }
});

Deno.test("those whose readers have to be asked often are served in turn with the others", async () => {
  using time = new FakeTime();
  const history = new ScriptedHistory();
  history.costMs = 1;
  const slow = connectAll(history, names(30, "slow"), { size: LARGE, waits: 20, last: 2 });
  const quick = connectAll(history, names(30, "quick"), { last: 2 });
  await time.advance(0);
  // Two batches each: in fair turns the slow ones have been asked as often as the quick ones by then.
  const upToLastQuick = history.asked.findLastIndex((user) => user.startsWith("quick"));
  const asksOfSlow = history.asked.slice(0, upToLastQuick).filter((user) =>
    user.startsWith("slow")
  );
  assertEquals(asksOfSlow.length, 60);
  assertAllLive([...slow, ...quick]);
  assertNothingHeld(history, [...slow, ...quick]);
});

for (
  const [kind, script] of Object.entries<Script>({
    "large": { size: LARGE, last: 3 },
    "small": { size: 1, last: 3 },
    "slow": { size: LARGE, last: 2, waits: 7 },
  })
) {
  Deno.test(`however many are behind, few readers are open, and everyone is served (${kind})`, async () => {
    using time = new FakeTime();
    const history = new ScriptedHistory();
    history.costMs = 0.5;
    const clients = connectAll(history, names(300), script);
    await time.advance(0);
    assertAllLive(clients);
    assert(history.mostOpen <= MOST_OPEN, `${history.mostOpen} readers were open`);
    assertEquals(history.open, 0);
    const whole = textOf(...[1, 2, 3].slice(0, script.last));
    assertEquals(new Set(clients.map(({ text }) => text)), new Set([whole]));
    assertNothingHeld(history, clients);
  });
}

Deno.test("clients that take nothing keep nobody from being served, and read on once they take", async () => {
  const history = new ScriptedHistory();
  const script = { size: LARGE, last: 3, padding: FULL };
  const stopped = connectAll(history, names(MOST_OPEN, "stopped"), script, false);
  await settle();
  assertEquals(history.open, MOST_OPEN);
  const others = connectAll(history, names(100, "other"), script);
  await settle();
  assertAllLive(others);
  for (const client of stopped) client.take();
  await settle();
  assertAllLive(stopped);
  assertEquals(new Set(stopped.map(({ text }) => text)), new Set([textOf(1, 2, 3)]));
  assert(history.mostOpen <= MOST_OPEN, `${history.mostOpen} readers were open`);
  assertNothingHeld(history, [...stopped, ...others]);
});

Deno.test("who has few channels does not wait for the readers of those who have many", async () => {
  const history = new ScriptedHistory();
  const never = {
    size: LARGE,
    channels: LARGE / 2,
    waits: 1,
    ready: () => new Promise<void>(() => {}),
  };
  const waiting = connectAll(history, names(2 * MOST_OPEN, "many"), never);
  await settle();
  assertEquals(history.open, MOST_OPEN);
  const few = connectAll(history, names(2 * MOST_OPEN, "few"), { size: 32, channels: 16 });
  await settle();
  assertAllLive(few);
  assertNothingHeld(history, [...waiting, ...few]);
});

Deno.test("a reader whose client takes nothing after its batch goes to the first in line", async () => {
  const history = new ScriptedHistory();
  const answer = Promise.withResolvers<void>();
  const script = { size: LARGE, last: 3, padding: FULL, waits: 1, ready: () => answer.promise };
  const atWork = connectAll(history, names(MOST_OPEN, "at work"), script, false);
  const inLine = connectAll(history, names(MOST_OPEN, "in line"), { size: LARGE });
  await settle();
  answer.resolve();
  await settle();
  assertAllLive(inLine);
  assertNothingHeld(history, [...atWork, ...inLine]);
});

Deno.test("those in line are served though all before them leave at once", async () => {
  const history = new ScriptedHistory();
  const never = Promise.withResolvers<void>();
  const atWork = connectAll(history, names(MOST_OPEN, "at work"), {
    size: LARGE,
    waits: 1,
    ready: () => never.promise,
  });
  const inLine = connectAll(history, names(MOST_OPEN, "in line"), { size: LARGE });
  const last = connectAll(history, names(3, "last"), { size: LARGE });
  await settle();
  assertEquals(history.open, MOST_OPEN);
  for (const { subscriber } of [...atWork, ...inLine]) history.end(subscriber);
  await settle();
  assertAllLive(last);
  assertNothingHeld(history, last);
});

Deno.test("those in line are served though reading has failed for the one before them", async () => {
  const history = new ScriptedHistory();
  const answer = Promise.withResolvers<void>();
  const atWork = connectAll(history, names(MOST_OPEN, "at work"), {
    size: LARGE,
    waits: 1,
    ready: () => answer.promise,
  });
  await settle();
  const open = () => {
    throw new Error("no such file");
  };
  connectAll(history, names(MOST_OPEN, "failing"), { open });
  const last = history.connect("last", { size: LARGE });
  await settle();
  answer.resolve();
  await settle();
  assertEquals(history.failures.length, MOST_OPEN);
  assertAllLive([...atWork, last]);
  assertNothingHeld(history, [...atWork, last]);
});

Deno.test("whoever comes later does not overtake the line", async () => {
  const history = new ScriptedHistory();
  const answer = Promise.withResolvers<void>();
  const [first, ...others] = connectAll(history, names(MOST_OPEN, "at work"), {
    size: LARGE,
    waits: 1,
    ready: () => answer.promise,
  });
  await settle();
  const inLine = history.connect("in line", { size: LARGE });
  await settle();
  // Both ask in the turn in which a reader becomes free, the later one first.
  const later = history.connect("later", { size: LARGE });
  await Promise.resolve();
  assert(first);
  history.end(first.subscriber);
  await settle();
  assertEquals(history.opened.slice(MOST_OPEN), ["in line", "later"]);
  assertAllLive([inLine, later]);
  assertNothingHeld(history, [inLine, later, ...others]);
});

Deno.test("when a subscriber has ended, its reader is closed and nothing is read for it", async () => {
  const history = new ScriptedHistory();
  const answer = Promise.withResolvers<void>();
  const ended = history.connect("ann", { size: LARGE, waits: 1, ready: () => answer.promise });
  const asking = history.connect("bob");
  await Promise.resolve();
  history.end(asking.subscriber);
  await settle();
  assertEquals(history.open, 1);
  history.end(ended.subscriber);
  assertEquals(history.open, 0);
  answer.resolve();
  await settle();
  assertEquals(history.asked, ["ann"]);
  assertNothingHeld(history, []);
});

Deno.test("a client that leaves while its reader waits is not a failure, however that ends", async () => {
  const history = new ScriptedHistory();
  const answer = Promise.withResolvers<void>();
  const client = history.connect("ann", { size: LARGE, waits: 1, ready: () => answer.promise });
  await settle();
  history.end(client.subscriber);
  answer.reject(new Error("closed"));
  await settle();
  assertEquals([history.failures, history.asked], [[], ["ann"]]);
});

Deno.test("neither a gap nor a replay is counted for a client that left before it was written", async () => {
  const history = new ScriptedHistory();
  const batch = {
    events: [history.event(5)],
    through: 5,
    reachesHead: true,
    gap: { through: 3, oldest: 5 },
  };
  history.connect("ann", { next: () => batch });
  await settle();
  const told = history.counters.counts;
  const client = history.connect("bob", {
    next: () => {
      history.end(client.subscriber);
      return batch;
    },
  });
  await settle();
  const { gaps, replays } = history.counters.counts;
  assertEquals([told.gaps, told.replays, gaps, replays], [1, 1, 1, 1]);
});

Deno.test("a failure ends only the subscriber whose history it is, and closes its reader", async () => {
  const fail = () => {
    throw new Error("broken page");
  };
  const scripts: Script[] = [
    { open: fail },
    { size: LARGE, next: fail },
    { size: LARGE, waits: 1, ready: () => Promise.reject(new Error("broken page")) },
  ];
  for (const script of scripts) {
    const history = new ScriptedHistory();
    const before = history.connect("ann", { last: 3 });
    const failing = history.connect("bob", script);
    const after = history.connect("cleo", { last: 3 });
    await settle();
    assertEquals(history.failures, [["bob", "Error: broken page"]]);
    assertEquals([before.text, failing.text, after.text], [textOf(1, 2, 3), "", textOf(1, 2, 3)]);
    assertEquals(history.open, 0);
    assertNothingHeld(history, [before, after]);
  }
});

Deno.test("after a reset every reader is a new one, from where its subscriber is", async () => {
  const history = new ScriptedHistory();
  const script = { size: LARGE, last: 3, padding: FULL };
  const stopped = connectAll(history, names(5), script, false);
  await settle();
  assertEquals(history.open, 5);
  history.catchUp.reset();
  assertEquals(history.open, 0);
  for (const client of stopped) client.take();
  await settle();
  assertEquals(history.starts.slice(5).map((start) => "position" in start && start.position), [
    ...Array(5).fill(1),
  ]);
  assertEquals(new Set(stopped.map(({ text }) => text)), new Set([textOf(1, 2, 3)]));
  assertNothingHeld(history, stopped);
});

for (const end of ["resolve", "reject"] as const) {
  Deno.test(`a reader that was waiting at a reset is replaced, though its wait ends in ${end}`, async () => {
    const history = new ScriptedHistory();
    const answers = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
    const [old, now] = answers;
    const left = [...answers];
    const client = history.connect("ann", {
      size: LARGE,
      waits: 1,
      ready: () => left.shift()?.promise ?? Promise.resolve(),
    });
    await settle();
    history.catchUp.reset();
    old?.[end](new Error("connection closed") as never);
    now?.resolve();
    await settle();
    assertEquals([client.text, client.subscriber.isLive], [textOf(1), true]);
    assertEquals(history.failures, []);
    assertNothingHeld(history, [client]);
  });
}

Deno.test("a subscriber is told of a gap before what follows it, and from where to resume", async () => {
  const history = new ScriptedHistory();
  const next = () => ({
    events: [history.event(20)],
    through: 20,
    reachesHead: true,
    gap: { through: 9, oldest: 3 },
  });
  const client = history.connect("ann", { next });
  await settle();
  assertEquals(
    client.text,
    `event: gap\n` +
      `data: {"asked":"known","oldest":"0000000000000003-${EPOCH}"}\nid: 0000000000000009-${EPOCH}\n\n` +
      textOf(20),
  );
  assertNothingHeld(history, [client]);
});

Deno.test("a gap's id is never past an event that the client has still to get", async () => {
  const history = new ScriptedHistory();
  const batches = [
    { events: [history.event(5)], through: 5, reachesHead: false, gap: { through: 9, oldest: 5 } },
    { events: [], through: 30, reachesHead: true, gap: { through: 12, oldest: undefined } },
  ];
  const client = history.connect("ann", { size: LARGE, next: () => batches.shift() });
  await settle();
  assertEquals(
    client.text,
    `event: gap\n` +
      `data: {"asked":"known","oldest":"0000000000000005-${EPOCH}"}\nid: 0000000000000004-${EPOCH}\n\n` +
      textOf(5) +
      `event: gap\n` +
      `data: {"asked":"0000000000000005-${EPOCH}","oldest":null}\nid: 0000000000000012-${EPOCH}\n\n`,
  );
  assertEquals(client.subscriber.position, 30);
  assertNothingHeld(history, [client]);
});

Deno.test("what a subscriber has been told of a gap goes with it to its next reader", async () => {
  const history = new ScriptedHistory();
  const next = (position: number) => ({
    events: [history.event(position < 5 ? 5 : 20)],
    through: position < 5 ? 5 : 20,
    reachesHead: position >= 5,
    gap: position < 5 ? { through: 9, oldest: 5 } : undefined,
  });
  const client = history.connect("ann", { next });
  await settle();
  assertEquals(history.starts, [
    { lastEventId: "known" },
    { position: 5, gapReportedThrough: 9 },
  ]);
  assertNothingHeld(history, [client]);
});
