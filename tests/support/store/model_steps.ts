/**
 * The random steps that take a run through emits, connections, slowness, time and restarts.
 *
 * @module
 */
import { type FakeTime, START_MS } from "../hub/fake_time.ts";
import type { Connection, ModelRun, RunOptions } from "./model_run.ts";
import type { SeededRandom } from "../seeded_random.ts";
import type { ModelEmit, ModelSubscription } from "./reference_model.ts";

const CHANNELS = ["red", "green", "blue"] as const;
const USERS = ["ann", "bob", "*"] as const;
const KEYS = ["k1", "k2", "k3", "k4"] as const;

/** A client that connects, leaves and comes back. */
interface Person {
  readonly subscription: ModelSubscription;
  connection: Connection | undefined;
  /** Every id it has ever held, the latest last. */
  readonly ids: string[];
  /** How it reads: all at once, now and then a little, or not at all. */
  pace: "eager" | "slow" | "stopped";
}

const STEP_WEIGHTS = {
  emit: 40,
  "emit while the store is full": 2,
  "retry an emit": 3,
  "remove history": 2,
  "connect someone new": 3,
  resume: 10,
  leave: 6,
  "take a little": 14,
  "take everything": 8,
  "change pace": 6,
  "let time pass": 10,
  "set the clock": 2,
  restart: 1,
};

/** SeededRandom but sensible limits: from nothing retained at all to everything. */
export function randomOptions(random: SeededRandom): RunOptions {
  const maxChannels = random.pick([undefined, undefined, 1, 2]);
  return {
    limits: {
      ...maxChannels === undefined ? {} : { maxChannels },
      eventsPerChannel: random.pick([0, 1, 3, 20, 1000]),
      ageMs: random.pick([30, 2000, 600_000]),
      bytesPerChannel: random.pick([0, 1500, 60_000, 10_000_000]),
      totalBytes: random.pick([4000, 150_000, 10_000_000]),
    },
    flushWindowMs: random.pick([0, 5]),
    maxBufferBytes: random.pick([1, 500, 20_000, 200_000, 2 ** 30]),
  };
}

/** Makes one random step after another. */
export class Steps {
  /** The steps so far, for the message of a failed run. */
  readonly done: string[] = [];
  readonly #run: ModelRun;
  readonly #random: SeededRandom;
  readonly #time: FakeTime;
  readonly #people: Person[] = [];
  /** So many that a flush takes several turns; they read nothing until the end. */
  #crowd: Connection[] = [];
  #emits: ModelEmit[] = [];
  #count = 0;

  constructor(run: ModelRun, random: SeededRandom, time: FakeTime) {
    this.#run = run;
    this.#random = random;
    this.#time = time;
  }

  /** Connects a crowd to one channel; every flush visits it before the clients that connect later. */
  async gather(size: number): Promise<void> {
    const channels = [this.#random.pick(CHANNELS)];
    for (let n = 0; n < size; n++) {
      const subscription = { user: this.#random.pick(USERS), channels };
      this.#crowd.push(await this.#run.connect(subscription, ""));
    }
  }

  /** Makes a step, lets the eager clients take all their bytes, and checks every stream. */
  async next(): Promise<void> {
    const step = this.#random.weighted(STEP_WEIGHTS);
    this.done.push(step);
    await this.#do(step);
    for (const { connection, pace } of this.#people) {
      if (pace === "eager") await connection?.reader.takeAll();
    }
    this.#run.check();
  }

  /** Every connected client takes everything, and every other client comes back for it. */
  async finish(): Promise<void> {
    this.done.push("finish");
    for (const connection of this.#crowd) await this.#run.drain(connection);
    for (const person of this.#people) {
      if (person.connection === undefined) await this.#connect(person, person.ids.at(-1) ?? "");
      if (person.connection !== undefined) await this.#run.drain(person.connection);
      await this.#leave(person);
    }
  }

  async #do(step: keyof typeof STEP_WEIGHTS): Promise<void> {
    const random = this.#random;
    const connected = this.#people.filter((person) => person.connection !== undefined);
    const away = this.#people.filter((person) => person.connection === undefined);
    const person = connected.length > 0 ? random.pick(connected) : undefined;
    switch (step) {
      case "emit":
        return await this.#emit(
          Array.from({ length: random.between(1, 4) }, () => this.#newEmit()),
        );
      case "emit while the store is full":
        // The log may have dropped what is past its age, and then have failed, of which the model knows nothing.
        if (this.#isLimited) return;
        return await this.#run.emitWhileFull(this.#newEmit());
      case "retry an emit":
        return await this.#emit(this.#emits.filter(() => random.chance(0.3)));
      case "remove history":
        return await this.#run.removeHistory(
          random.chance(0.5)
            ? { channel: random.pick(CHANNELS) }
            : { user: random.pick(["ann", "bob"]) },
        );
      case "connect someone new":
        if (this.#people.length < 8) await this.#connect(this.#newPerson(), "");
        return;
      case "resume":
        if (away.length > 0) {
          const back = random.pick(away);
          await this.#connect(back, random.chance(0.7) ? back.ids.at(-1) ?? "" : this.#anyId(back));
        }
        return;
      case "leave":
        return await this.#leave(person);
      case "take a little":
        await person?.connection?.reader.take();
        return;
      case "take everything":
        if (person?.connection !== undefined) await this.#run.drain(person.connection);
        return;
      case "change pace":
        if (person === undefined) return;
        person.pace = random.pick(["eager", "slow", "stopped"]);
        if (person.pace === "stopped") await person.connection?.reader.stop();
        return;
      case "let time pass":
        return await this.#time.advance(random.pick([0, 1, 3, 5, 20, 500, 3000]));
      case "set the clock":
        return this.#run.setClock(
          random.chance(0.5) ? this.#time.wall() - 5000 : START_MS + 60_000,
        );
      case "restart":
        for (const one of connected) this.#noteIds(one);
        await this.#run.restart(random.pick(["stopped", "killed"]));
        this.#crowd = [];
        for (const one of connected) one.connection = undefined;
        return;
    }
  }

  async #emit(emits: readonly ModelEmit[]): Promise<void> {
    if (emits.length === 0) return;
    if (this.#isLimited && isMoreThanOneCall(emits)) {
      for (const emit of emits) await this.#run.emit([emit]);
    } else await this.#run.emit(emits);
    this.#emits = [...this.#emits, ...emits].slice(-10);
  }

  get #isLimited(): boolean {
    return this.#run.model.limits.maxChannels !== undefined;
  }

  #newPerson(): Person {
    const channels = CHANNELS.filter(() => this.#random.chance(0.5));
    const person: Person = {
      subscription: {
        user: this.#random.pick(USERS),
        channels: channels.length > 0 ? channels : [this.#random.pick(CHANNELS)],
      },
      connection: undefined,
      ids: [],
      pace: this.#random.pick(["eager", "slow", "stopped"]),
    };
    this.#people.push(person);
    return person;
  }

  async #connect(person: Person, lastEventId: string): Promise<void> {
    person.connection = await this.#run.connect(person.subscription, lastEventId);
    if (lastEventId !== "") person.ids.push(lastEventId);
  }

  async #leave(person: Person | undefined): Promise<void> {
    if (person?.connection === undefined) return;
    this.#noteIds(person);
    await this.#run.disconnect(person.connection);
    person.connection = undefined;
  }

  #noteIds({ connection, ids }: Person): void {
    const seen = connection?.reader.events.map(({ id }) => id) ?? [];
    ids.push(...seen, ...(connection?.reader.lastEventId ? [connection.reader.lastEventId] : []));
  }

  /** An id of any kind: one that the client had before, one of any event, one of no event at all. */
  #anyId(person: Person): string {
    const { epoch, last, events } = this.#run.model;
    const known = events.map((event) => event.publisherId ?? this.#run.model.idOf(event.seq));
    return this.#random.pick([
      ...[person.ids, known].flatMap((ids) => ids.length > 0 ? [this.#random.pick(ids)] : []),
      "unheard of",
      `${START_MS * 1000}-zzzzzz`,
      `${"0".repeat(16)}-${epoch}`,
      this.#run.model.idOf(last + this.#random.between(0, 1)),
    ]);
  }

  #newEmit(): ModelEmit {
    const random = this.#random;
    const blockCount = random.weighted({ "1": 8, "22": 1, "333": 1 }).length;
    return {
      channel: random.pick(CHANNELS),
      user: random.pick(USERS),
      blocks: Array.from({ length: blockCount }, () => this.#newBlock()),
      key: random.chance(0.15) ? random.pick(KEYS) : undefined,
    };
  }

  #newBlock(): string {
    const random = this.#random;
    const size = random.weighted({ small: 12, page: 4, large: 1 });
    const length = { small: 0, page: 3000, large: random.pick([30_000, 100_000]) }[size];
    const data = `data: ${++this.#count}${"x".repeat(length)}`;
    switch (random.weighted({ plain: 10, named: 3, "own id": 3, silent: 1 })) {
      case "plain":
        return data;
      case "named":
        return `event: note\n${data}`;
      case "own id":
        return `id: ${this.#publisherId()}\n${data}`;
      case "silent":
        return ": only a comment";
    }
  }

  /** A new id, or one that came before, retained or not. */
  #publisherId(): string {
    const before = this.#run.model.events.flatMap(({ publisherId }) => publisherId ?? []);
    if (before.length > 0 && this.#random.chance(0.3)) return this.#random.pick(before);
    return `own-${this.#count}`;
  }
}

/** Whether the store may take them one after the other, and so have emptied a channel before it judges the next. */
function isMoreThanOneCall(emits: readonly ModelEmit[]): boolean {
  const blocks = emits.flatMap(({ blocks }) => blocks);
  return blocks.length > 100 || blocks.join("").length > 500_000;
}
