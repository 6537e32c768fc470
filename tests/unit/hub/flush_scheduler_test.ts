import { setImmediate } from "node:timers";
import { Channels } from "../../../src/hub/channels.ts";
import { FlushScheduler } from "../../../src/hub/flush_scheduler.ts";
import { HubCounters } from "../../../src/hub/stream_counts.ts";
import { assert, assertEquals } from "../../support/assert.ts";
import { type SeededRandom, withSeeds } from "../../support/seeded_random.ts";
import { FakeTime, settle } from "../../support/hub/fake_time.ts";
import { type LiveClient, liveClient } from "../../support/hub/subscribers.ts";
import { eventAt } from "../../support/store/naive_log.ts";

const WINDOW_MS = 5;

/** Sends events to live clients as a hub does. */
function schedule(clients: readonly LiveClient[], windowMs: number, time: FakeTime) {
  const channels = new Channels();
  for (const { subscriber } of clients) channels.add(subscriber);
  const scheduler = new FlushScheduler(channels, windowMs, time, new HubCounters());
  let seq = 0;
  const emit = (name: string, user = "*") => {
    const channel = channels.get(name);
    if (channel === undefined) throw new Error(`nobody hears ${name}`);
    if (channel.take(eventAt(++seq, name, user)) > 0) scheduler.request(channel);
  };
  return { emit, scheduler };
}

Deno.test("an idle channel's events go out at the end of the turn, those of one turn together", async () => {
  using time = new FakeTime();
  const client = liveClient("ann", ["red"]);
  const { emit, scheduler } = schedule([client], WINDOW_MS, time);
  for (let n = 0; n < 3; n++) emit("red");
  await settle();
  assertEquals([client.chunks, time.steady()], [["1 2 3"], 0]);
  scheduler.flushAll();
});

Deno.test("what comes within the window goes out together when it is over", async () => {
  using time = new FakeTime();
  const client = liveClient("ann", ["red"]);
  const { emit, scheduler } = schedule([client], WINDOW_MS, time);
  for (let n = 0; n < 4; n++) {
    emit("red");
    await time.advance(1);
  }
  assertEquals(client.chunks, ["1"]);
  await time.advance(1);
  assertEquals(client.chunks, ["1", "2 3 4"]);
  // That flush has a window of its own.
  emit("red");
  await time.advance(WINDOW_MS - 1);
  assertEquals(client.chunks.length, 2);
  await time.advance(1);
  assertEquals(client.chunks, ["1", "2 3 4", "5"]);
  await time.advance(WINDOW_MS);
  assertEquals(time.timers, 0);
  emit("red");
  await settle();
  assertEquals(client.chunks.at(-1), "6");
  scheduler.flushAll();
});

Deno.test("each channel has its own window", async () => {
  using time = new FakeTime();
  const clients = ["red", "blue"].map((name) => liveClient("ann", [name]));
  const { emit, scheduler } = schedule(clients, WINDOW_MS, time);
  emit("red");
  await time.advance(3);
  emit("blue");
  await settle();
  emit("red");
  emit("blue");
  assertEquals(clients.map(({ chunks }) => chunks), [["1"], ["2"]]);
  await time.advance(2);
  assertEquals(clients.map(({ chunks }) => chunks), [["1", "3"], ["2"]]);
  await time.advance(3);
  assertEquals(clients.map(({ chunks }) => chunks), [["1", "3"], ["2", "4"]]);
  scheduler.flushAll();
});

Deno.test("without a window every turn's events go out in that turn", async () => {
  using time = new FakeTime();
  const client = liveClient("ann", ["red"]);
  const { emit } = schedule([client], 0, time);
  for (let n = 0; n < 3; n++) {
    emit("red");
    await settle();
  }
  assertEquals([client.chunks, time.timers], [["1", "2", "3"], 0]);
});

for (const windowMs of [0, WINDOW_MS]) {
  Deno.test(`others get their turn while a large channel is visited (window of ${windowMs} ms)`, async () => {
    using time = new FakeTime();
    const clients = Array.from({ length: 450 }, () => liveClient("ann", ["red"]));
    const { emit, scheduler } = schedule(clients, windowMs, time);
    const served = () => clients.filter(({ subscriber }) => subscriber.position >= 1).length;
    const turns: number[] = [];
    emit("red");
    emit("red", "bob");
    while (served() < clients.length) {
      await new Promise<void>((resolve) => setImmediate(() => resolve()));
      turns.push(served());
      if (turns.length === 1) emit("red");
      assert(turns.length < 50, "not everyone is served");
    }
    const most = Math.max(...turns.map((count, n) => count - (turns[n - 1] ?? 0)));
    assert(most <= 200, `${most} subscribers were visited in one turn`);
    await time.advance(windowMs);
    for (let turn = 0; turn < 10; turn++) await settle();
    for (const { chunks } of clients) assertEquals(chunks.join(" "), "1 3");
    // Whatever comes meanwhile goes to those who are still to be visited, together with the first.
    assertEquals([clients[0]?.chunks, clients.at(-1)?.chunks], [["1", "3"], ["1 3"]]);
    scheduler.flushAll();
  });
}

/** Turns in which the subscribers of a slow channel are visited. */
const SLOW_TURNS = 5;
/** That many of them are longer than the window. */
const SLOW_TURN_MS = 2;

/** A channel whose flush takes longer than the window. */
function scheduleSlow(time: FakeTime) {
  const clients = Array.from({ length: 100 * SLOW_TURNS - 50 }, () => liveClient("ann", ["red"]));
  const { emit, scheduler } = schedule(clients, WINDOW_MS, time);
  const servedWith = (seq: number) =>
    clients.filter(({ subscriber }) => subscriber.position >= seq).length;
  /** Lets turns go by until every client has an event; returns how many. */
  const untilServed = async (seq: number, inTurn: (turn: number) => void = () => {}) => {
    let turn = 0;
    for (; servedWith(seq) < clients.length; turn++) {
      assert(turn < 50, "not everyone is served");
      inTurn(turn);
      await time.advance(SLOW_TURN_MS);
    }
    return turn;
  };
  return { clients, emit, scheduler, servedWith, untilServed };
}

Deno.test("after a flush that took longer than the window, a lone event goes out at once", async () => {
  using time = new FakeTime();
  const { clients, emit, scheduler, servedWith, untilServed } = scheduleSlow(time);
  emit("red");
  assertEquals([await untilServed(1), time.timers], [SLOW_TURNS, 0]);
  emit("red");
  await Promise.resolve();
  assert(servedWith(2) > 0, "it waits");
  await untilServed(2);
  for (const { chunks } of clients) assertEquals(chunks, ["1", "2"]);
  scheduler.flushAll();
});

Deno.test("a lone event in such a flush goes to those already visited right behind it", async () => {
  using time = new FakeTime();
  const { clients, emit, scheduler, untilServed } = scheduleSlow(time);
  emit("red");
  const turns = await untilServed(2, (turn) => turn === 2 && emit("red"));
  // The turn in which the flush ends already has the first visits of the next; 200 subscribers need it.
  assertEquals([turns, time.timers], [SLOW_TURNS + 1, 0]);
  assertEquals([clients[0]?.chunks, clients.at(-1)?.chunks], [["1", "2"], ["1 2"]]);
  scheduler.flushAll();
});

Deno.test("a publisher that floods such a channel is given a rest in which its events are joined", async () => {
  using time = new FakeTime();
  const { clients, emit, scheduler, untilServed } = scheduleSlow(time);
  emit("red");
  await untilServed(1, () => emit("red"));
  assertEquals(clients[0]?.chunks.length, 1);
  // Less than is left of the window, and turns enough for a whole round of visits.
  for (let n = 0; n < 8; n++) {
    emit("red");
    await time.advance(WINDOW_MS / 20);
  }
  assertEquals(clients[0]?.chunks.length, 1);
  await time.advance(WINDOW_MS);
  for (let turn = 0; turn < 10; turn++) await settle();
  assertEquals(clients[0]?.chunks.length, 2);
  scheduler.flushAll();
});

Deno.test("all channels share the visits of a turn, and none waits for the last of another", async () => {
  using time = new FakeTime();
  const names = Array.from({ length: 12 }, (_, n) => `channel ${n}`);
  const clients = names.flatMap((name, n) =>
    Array.from({ length: n === 0 ? 500 : 40 }, () => liveClient("ann", [name]))
  );
  const { emit, scheduler } = schedule(clients, 0, time);
  const served = () => clients.filter(({ subscriber }) => subscriber.position >= 1).length;
  const turns: number[] = [0];
  for (const name of names) emit(name);
  await Promise.resolve();
  turns.push(served());
  assertEquals(served(), 100);
  while (served() < clients.length) {
    await new Promise<void>((resolve) => setImmediate(() => resolve()));
    turns.push(served());
    assert(turns.length < 50, "not everyone is served");
    const large = clients.slice(0, 500).filter(({ subscriber }) => subscriber.position >= 1);
    if (large.length > 300) assert(served() >= large.length + 11 * 40, "the small ones come first");
  }
  const most = Math.max(...turns.map((count, n) => count - (turns[n - 1] ?? 0)));
  assert(most <= 200, `${most} subscribers were visited in one turn`);
  scheduler.flushAll();
});

Deno.test("closing sends everything that waits, at once, and leaves nothing running", async () => {
  using time = new FakeTime();
  const many = Array.from({ length: 250 }, () => liveClient("ann", ["red"]));
  const [cooling, ready] = [liveClient("ann", ["blue"]), liveClient("ann", ["green"])];
  const { emit, scheduler } = schedule([...many, cooling, ready], WINDOW_MS, time);
  emit("blue");
  emit("red");
  await Promise.resolve();
  emit("red");
  emit("blue");
  emit("green");
  scheduler.flushAll();
  assertEquals(many.filter(({ subscriber }) => subscriber.position < 3).length, 0);
  assertEquals([cooling.subscriber.position, ready.subscriber.position], [4, 5]);
  assertEquals(time.timers, 0);
  await settle();
  assertEquals([cooling.chunks, ready.chunks], [["1", "4"], ["5"]]);
  assertEquals(new Set(many.map(({ chunks }) => chunks.join(" "))), new Set(["2 3"]));
});

/** Letters of a few channels, or of so many that streams with the same token are a group. */
function someChannels(random: SeededRandom): readonly string[] {
  if (random.chance(0.2)) return ["a", "b", ...Array.from({ length: 31 }, (_, n) => `many ${n}`)];
  return random.shuffled(["a", "b", "c"]).slice(0, random.between(1, 3));
}

Deno.test("whenever events come, each client gets what is for it, once and in order", () =>
  withSeeds(20, async (random) => {
    using time = new FakeTime();
    const clients = Array.from({ length: 350 }, () => {
      const channels = someChannels(random);
      return { channels, user: random.pick(["ann", "bob"]) };
    }).map((claims) => ({ ...claims, ...liveClient(claims.user, claims.channels) }));
    const { emit, scheduler } = schedule(clients, WINDOW_MS, time);
    const emitted: { readonly name: string; readonly user: string }[] = [];
    const ended = new Set<number>();
    for (let step = 0; step < 40; step++) {
      if (random.chance(0.6)) {
        const name = random.pick(["a", "b", "c", "many 0"]);
        if (clients.some(({ channels }) => channels.includes(name))) {
          const user = random.pick(["*", "*", "*", "ann", "bob"]);
          emitted.push({ name, user });
          emit(name, user);
        }
      } else if (random.chance(0.1)) {
        const left = random.between(0, clients.length - 1);
        ended.add(left);
        clients[left]?.subscriber.end(new Uint8Array());
      } else await time.advance(random.pick([0, 0, 1, 2]));
    }
    for (let n = 0; n < 30; n++) await time.advance(WINDOW_MS);
    assertEquals(time.timers, 0);
    clients.forEach(({ channels, user, chunks }, n) => {
      if (ended.has(n)) return;
      const expected = emitted.flatMap((event, index) =>
        channels.includes(event.name) && ["*", user].includes(event.user) ? [index + 1] : []
      );
      assertEquals(chunks.join(" "), expected.join(" "), `${user} of ${channels}`);
    });
    scheduler.flushAll();
  }));
