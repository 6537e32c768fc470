/** Tabs that share a stream, through everything that chance does to them: each gets every event once and in order. */
import { assert, assertEquals } from "../../support/assert.ts";
import { type ModelEvent, ModelServer } from "../../support/browser_client/model_server.ts";
import { ModelBrowser, type ModelTab } from "../../support/browser_client/model_tabs.ts";
import { type SeededRandom, withSeeds } from "../../support/seeded_random.ts";

const RUNS = 20;
const STEPS = 1500;
/** Rounds of some seconds in which everything comes to rest. */
const ROUNDS = 60;

/** What may happen, and how often. */
const WEIGHTS = {
  step: 120,
  emit: 25,
  beat: 4,
  emitElsewhere: 4,
  advance: 8,
  open: 2,
  openFromId: 2,
  kill: 1,
  close: 1,
  sleep: 2,
  wake: 3,
  hang: 2,
  recover: 2,
  endStreams: 1,
  goAway: 1,
  refuse: 1,
  comeBack: 3,
  expireTokens: 1,
};

type Action = keyof typeof WEIGHTS;

/** What else may happen in a run. */
interface Kind {
  /** Whether back ends give events ids of their own. */
  readonly ownIds?: boolean;
  /** Whether older events are dropped now and then. */
  readonly trims?: boolean;
  /** Whether the server now and then loses its log. */
  readonly losesLog?: boolean;
}

class Run {
  readonly #random: SeededRandom;
  readonly #kind: Kind;
  readonly #server: ModelServer;
  readonly #browser: ModelBrowser;
  readonly #begins = new Map<ModelTab, number>();
  #emitted = 0;

  constructor(random: SeededRandom, kind: Kind) {
    this.#random = random;
    this.#kind = kind;
    this.#server = new ModelServer(random);
    this.#browser = new ModelBrowser(this.#server, random);
  }

  async play(): Promise<void> {
    for (let count = 0; count < STEPS; count++) await this.#do(this.#random.weighted(WEIGHTS));
    await this.#rest();
    for (const tab of this.#browser.tabs) this.#check(tab);
    const alive = this.#browser.tabs.length > 0 ? 1 : 0;
    assertEquals(this.#server.streams, alive, "streams at the end");
    assertEquals(this.#browser.timers.size, this.#browser.tabs.length, "timers at the end");
  }

  async #do(action: Action): Promise<void> {
    const { tabs } = this.#browser;
    const tab = tabs.length > 0 ? this.#random.pick(tabs) : undefined;
    if (action === "step") await this.#browser.step();
    else if (action === "emit") this.#emit();
    else if (action === "beat") this.#server.beat();
    else if (action === "emitElsewhere") this.#server.emitElsewhere();
    else if (action === "advance") this.#browser.advance(this.#random.between(1, 8000));
    else if (action === "open" && tabs.length < 8) this.#browser.open("alex");
    else if (action === "openFromId" && tabs.length < 8 && !this.#kind.ownIds) this.#openFromId();
    else if (action === "endStreams") this.#server.end(this.#random.pick(["clean", "broken"]));
    else if (action === "goAway") this.#goAway();
    else if (action === "refuse") this.#server.mood = "unavailable";
    else if (action === "comeBack") this.#server.mood = "up";
    else if (action === "expireTokens") this.#server.expireTokens();
    else if (tab !== undefined) this.#doTo(tab, action);
  }

  #doTo(tab: ModelTab, action: Action): void {
    if (action === "kill") this.#browser.kill(tab);
    else if (action === "recover") tab.isHung = false;
    else if (tab.isHung) return;
    else if (action === "close") {
      tab.connection.close();
      this.#browser.kill(tab);
    } else if (action === "hang") tab.isHung = !tab.isAsleep;
    else if (action === "sleep" && !tab.isAsleep) tab.setAsleep(true);
    else if (action === "wake" && tab.isAsleep) tab.setAsleep(false);
  }

  #emit(): void {
    const number = ++this.#emitted;
    const hasOwnId = this.#kind.ownIds && this.#random.chance(0.6);
    this.#server.emit(`${number}`, hasOwnId ? `own-${number}` : undefined);
    if (this.#kind.trims && this.#random.chance(0.03)) this.#server.trim();
    if (this.#kind.losesLog && this.#random.chance(0.01)) this.#server.loseLog();
  }

  #openFromId(): void {
    const { headId: lastEventId, headSeq } = this.#server;
    this.#begins.set(this.#browser.open("alex", { lastEventId }), headSeq);
  }

  #goAway(): void {
    this.#server.mood = "away";
    this.#server.end("broken");
  }

  /** Lets every tab recover and get what there is. */
  async #rest(): Promise<void> {
    this.#server.mood = "up";
    for (const tab of this.#browser.tabs) {
      tab.isHung = false;
      if (tab.isAsleep) tab.setAsleep(false);
    }
    for (let round = 0; round < ROUNDS; round++) {
      await this.#browser.settle();
      this.#browser.advance(2000);
      if (round % 5 === 0) this.#server.beat();
      if (round === ROUNDS / 2) this.#server.emit("the last");
    }
    await this.#browser.settle();
  }

  #check(tab: ModelTab): void {
    const events = this.#server.all;
    const { ownIds, trims, losesLog } = this.#kind;
    const got = tab.received.map(({ event, data }) => event === "gap" ? "gap" : data);
    const first = got.find((data) => data !== "gap");
    assert(first !== undefined, `a tab got nothing; its states: ${tab.states}`);
    const seqs = new Map(events.map(({ data, seq }) => [data, seq]));
    const begin = this.#begins.get(tab) ?? tab.openedAt ?? 0;
    const due = events.filter(({ seq }) => seq > begin).map(({ data }) => data);
    if (trims || losesLog) return assertOnlyGapsAreMissing(got, events, losesLog);
    assertEquals(new Set(got).size, got.length, "events came twice");
    // A tab that has just opened may get some from before, of which some may have ids of their own.
    const before = got.findIndex((data) => (seqs.get(data) ?? 0) > begin);
    const from = ownIds ? begin : (seqs.get(first) ?? 0) - 1;
    const expected = events.filter(({ seq }) => seq > from).map(({ data }) => data);
    const wrong = "events are missing or out of order";
    assertEquals(ownIds ? got.slice(before) : got, expected, wrong);
    assert(got.includes(due[0] ?? ""), "the first event came too late");
    if (this.#begins.has(tab)) assertEquals(first, due[0], "the first event after its id");
  }
}

/**
 * Between two events that follow each other, either nothing is missing or a gap was told.
 *
 * @param mayRepeat Whether events may come again after a gap.
 */
function assertOnlyGapsAreMissing(
  got: readonly string[],
  events: readonly ModelEvent[],
  mayRepeat = false,
): void {
  const order = new Map(events.map(({ data }, index) => [data, index]));
  let last: string | undefined;
  let wasGap = true;
  for (const data of got) {
    if (data !== "gap") {
      const step = (order.get(data) ?? NaN) - (order.get(last ?? "") ?? -1);
      const isOrdered = last === undefined || step > 0 || (mayRepeat && wasGap);
      assert(isOrdered, `${data} came after ${last}`);
      assert(wasGap || step === 1, `${data} came after ${last} without a gap`);
      last = data;
    }
    wasGap = data === "gap";
  }
  assertEquals(last, events.at(-1)?.data, "the last event is missing");
}

function playWith(kind: Kind): Promise<void> {
  return withSeeds(RUNS, (random) => new Run(random, kind).play());
}

Deno.test("each tab gets every event once and in order, and one stream is open", () =>
  playWith({}));

Deno.test("the same with ids that back ends give", () => playWith({ ownIds: true }));

Deno.test("where older events are dropped, each tab is told of a gap before what follows it", () =>
  playWith({ trims: true }));

Deno.test("where the server loses its log, each tab is told of a gap before what follows it", () =>
  playWith({ losesLog: true }));
