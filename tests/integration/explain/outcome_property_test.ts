/**
 * Random histories of streams against the real hub: what an explanation says that a stream was given, its
 * client has received, and nothing else.
 *
 * @module
 */
import { outcomeOf } from "../../../src/explain/outcome.ts";
import type { Receipt } from "../../../src/broker/broker.ts";
import { assert } from "../../support/assert.ts";
import type { HandReader } from "../../support/hub/hand_reader.ts";
import { Rig } from "../../support/hub/rig.ts";
import { type SeededRandom, withSeeds } from "../../support/seeded_random.ts";
import { FollowedStore, STORES, toolsFor } from "../../support/store/stores.ts";

const RUNS = Number(Deno.env.get("SSE_TEST_RUNS") ?? 25);
const STEPS = 120;
const USERS = ["ann", "bob"];
const CHANNELS = ["red", "blue", "green"];

interface Emitted extends Receipt {
  readonly seq: number;
  readonly data: string;
  readonly channel: string;
  readonly user: string;
}

/** A client, and all that it has received. */
interface Client {
  readonly user: string;
  readonly channels: readonly string[];
  readonly reader: HandReader;
}

class Run {
  readonly rig: Rig;
  readonly random: SeededRandom;
  readonly events: Emitted[] = [];
  readonly clients = new Map<string, Client>();
  readonly open = new Set<Client>();
  /** How often each outcome was seen: a run that never sees one has not tested it. */
  readonly seen: Record<string, number>;

  constructor(rig: Rig, random: SeededRandom, seen: Record<string, number>) {
    this.rig = rig;
    this.random = random;
    this.seen = seen;
  }

  async step(): Promise<void> {
    const { random, rig } = this;
    const kind = random.weighted({
      emit: 10,
      connect: 3,
      take: 6,
      leave: 2,
      stop: 1,
      time: 4,
      end: 0.3,
    });
    if (kind === "emit") return await this.#emit();
    if (kind === "connect") return await this.#connect();
    if (kind === "time") return await rig.time.advance(random.pick([1, 5, 50, 1000, 3000]));
    if (kind === "end") {
      const user = random.pick(USERS);
      rig.hub.endStreams("key gone", (claims) => claims.user === user);
      for (const client of this.open) {
        if (client.user !== user) continue;
        await client.reader.takeAll();
        this.open.delete(client);
      }
      return;
    }
    if (this.open.size === 0) return;
    const client = random.pick([...this.open]);
    if (kind === "take") {
      return void (random.chance(0.5) ? await client.reader.take() : await client.reader.takeAll());
    }
    if (kind === "stop") return await client.reader.stop();
    this.open.delete(client);
    await client.reader.leave();
  }

  async check(): Promise<void> {
    for (const event of this.events) await this.#checkEvent(event);
  }

  async #emit(): Promise<void> {
    const { random, rig, events } = this;
    const data = `${events.length} ${"x".repeat(random.pick([1, 1, 1, 500]))}`;
    const [channel, user] = [random.pick(CHANNELS), random.pick([...USERS, "*"])];
    const receipt = await rig.emit(channel, user, data);
    events.push({ ...receipt, seq: Number.parseInt(receipt.id), data, channel, user });
  }

  async #connect(): Promise<void> {
    const { random, rig } = this;
    const user = random.pick(USERS);
    const channels = random.shuffled(CHANNELS).slice(0, random.between(1, 2));
    const before = [...this.clients.values()].filter((client) => client.user === user);
    const known = before.length > 0 ? random.pick(before.slice(-4)).reader.lastEventId : "";
    const lastEventId = random.weighted({ known: 6, none: 2, bogus: 1 });
    const id = { known, none: undefined, bogus: "no-such-id" }[lastEventId];
    const reader = await rig.connect(user, channels, id);
    const client = { user, channels, reader };
    this.clients.set(reader.subscriber.id, client);
    this.open.add(client);
  }

  async #checkEvent(event: Emitted): Promise<void> {
    const { rig } = this;
    const { epoch } = rig.broker.head;
    const lookup = await rig.broker.lookUp(event.id, event.channel);
    const isRetained = lookup.events.length > 0;
    assert(isRetained || lookup.horizon >= event.seq, `${event.id} is gone, above the horizon`);
    for (const user of USERS) {
      if (event.user !== "*" && event.user !== user) continue;
      const { streams } = rig.journal.recordOf(user, event.channel, rig.hub.streams());
      for (const stream of streams) {
        const client = this.clients.get(stream.id);
        assert(client !== undefined, "a stream of nobody");
        const { events } = client.reader;
        const has = events.some(({ data }) => data === event.data);
        const outcome = outcomeOf(stream, { seq: event.seq, isRetained }, epoch);
        this.seen[outcome] = (this.seen[outcome] ?? 0) + 1;
        const isQueued = stream.progress.unsentBytes > 0 && event.seq <= stream.progress.position;
        const expected = outcome === "handed over" || outcome === "replayed"
          ? true
          : outcome === "may not have arrived" || outcome === "gap near" ||
              (outcome === "behind" && isQueued)
          ? has
          : false;
        const facts = JSON.stringify({ event, isRetained, stream, has });
        assert(has === expected, `"${outcome}" is wrong: ${facts}`);
        if (outcome === "gap told") {
          const isTold = events.some(({ event }) => event === "gap");
          assert(isTold || stream.progress.unsentBytes > 0, `nobody told of it: ${facts}`);
        }
      }
    }
  }
}

const RETENTIONS = [{ eventsPerChannel: 3 }, { eventsPerChannel: 20 }, { ageMs: 4000 }, {}];

for (const kind of ["memory", "sqlite", "redis"] as const) {
  Deno.test(
    `what explain says of each event and stream is what the client received (${kind})`,
    toolsFor(kind),
    async () => {
      const seen: Record<string, number> = {};
      await withSeeds(RUNS, async (random) => {
        await using real = await STORES[kind]();
        const store = random.chance(0.3) ? new FollowedStore(real) : real;
        using rig = await Rig.start({
          store,
          retention: random.pick(RETENTIONS),
          maxBufferBytes: random.pick([1, 2000, 2 ** 20]),
          flushWindowMs: random.pick([0, 5]),
          heartbeatMs: random.pick([0, 1000]),
        });
        const run = new Run(rig, random, seen);
        for (let step = 0; step < STEPS; step++) {
          await run.step();
          if (random.chance(0.05)) await run.check();
        }
        await run.check();
      });
      const expected = [
        "handed over",
        "replayed",
        "already had",
        "behind",
        "may not have arrived",
        "gap told",
        "skipped",
        "channel not heard",
        "not there",
      ];
      for (const outcome of expected) {
        assert((seen[outcome] ?? 0) > 0, `no stream with "${outcome}"`);
      }
    },
  );
}
