/**
 * Twelve tabs of one origin that share a stream, while events are emitted and things go wrong.
 *
 * @module
 */
import { assert } from "../assert.ts";
import type { BrowserPage } from "../event_source_page.ts";
import { healthOf } from "../health.ts";
import { Ledger } from "../ledger.ts";
import { type Publisher, publishToChat } from "../publisher.ts";
import { Relay } from "../relay.ts";
import { RestartingServer } from "../restarting_server.ts";
import type { SeededRandom } from "../seeded_random.ts";
import { TempDir } from "../temp_dir.ts";
import { waitFor } from "../wait.ts";
import { leaderOf, SharedPage, SharedSite } from "./shared_page.ts";

const HEARER = { channels: ["chat"], userId: "alex" } as const;
const TABS = 12;
/** So short that tokens expire all the time. */
const TOKEN_SECONDS = 4;
/** How many events go by between one mishap and the next. */
const EVENTS = 10;

/** A page that can be closed. */
export interface ClosablePage extends BrowserPage {
  close(): Promise<void>;
}

/** A browser, or a profile of one, whose tabs share locks. */
export interface TabOpener<Page extends ClosablePage> {
  open(url: string): Promise<{ readonly page: Page }>;
}

/** The tabs and what they listen to; disposing of it ends all but the browser. */
export class ManyTabs<Page extends ClosablePage> implements AsyncDisposable {
  readonly ledger = new Ledger();
  readonly server: RestartingServer;
  readonly #browser: TabOpener<Page>;
  readonly #site: SharedSite;
  readonly #relay: Relay;
  readonly #random: SeededRandom;
  readonly #stack: AsyncDisposableStack;
  #tabs: SharedPage<Page>[] = [];
  #publisher: Publisher | undefined;
  #opened = 0;

  private constructor(
    browser: TabOpener<Page>,
    random: SeededRandom,
    site: SharedSite,
    server: RestartingServer,
    relay: Relay,
    stack: AsyncDisposableStack,
  ) {
    this.#browser = browser;
    this.#random = random;
    this.#site = site;
    this.server = server;
    this.#relay = relay;
    this.#stack = stack;
  }

  /** Opens the tabs, waits until each is told that the stream is open, and begins to emit. */
  static async open<Page extends ClosablePage>(
    browser: TabOpener<Page>,
    random: SeededRandom,
  ): Promise<ManyTabs<Page>> {
    await using stack = new AsyncDisposableStack();
    const folder = stack.use(await TempDir.make());
    const site = stack.use(new SharedSite());
    const server = stack.use(
      await RestartingServer.start([
        ...["-store", `sqlite:${folder.join("events.db")}`, "-history-events", "100000"],
        ...["-cors", site.origin, "-retry", "200", "-heartbeat", "1"],
      ]),
    );
    const relay = stack.use(new Relay(Number(new URL(server.current.clientOrigin).port)));
    site.logIn(() => server.current.token({ userId: "alex", channel: "chat", exp: TOKEN_SECONDS }));
    const tabs = new ManyTabs(browser, random, site, server, relay, stack.move());
    for (let count = 0; count < TABS; count++) await tabs.openTab();
    await tabs.waitForOneStream();
    await tabs.#startEmitting();
    return tabs;
  }

  get tabs(): readonly SharedPage<Page>[] {
    return this.#tabs;
  }

  /** Waits until the server has one stream open. A moment before or after a token expires it has none. */
  async waitForOneStream(): Promise<void> {
    await waitFor(
      "one stream",
      async () => (await healthOf(this.server.current)).subscribers === 1,
    );
  }

  /** Opens one more tab, which is to get the whole ledger. */
  async openTab(options: Readonly<Record<string, unknown>> = {}): Promise<SharedPage<Page>> {
    const { page } = await this.#browser.open(this.#site.origin);
    const tab = new SharedPage(`tab ${++this.#opened}`, page);
    const events = `http://127.0.0.1:${this.#relay.port}/events/`;
    await tab.listen(this.server.current.clientOrigin, events, options);
    await tab.waitUntil("stream?.state === 'open'");
    this.#tabs.push(tab);
    return tab;
  }

  async #startEmitting(): Promise<void> {
    const { controlOrigin } = this.server.current;
    this.#publisher = this.#stack.use(
      publishToChat(controlOrigin, this.#random.fork(), this.ledger, 20),
    );
    await this.eventsGoBy();
  }

  /** Waits until some events have been emitted, and one of them has reached every tab but these. */
  async eventsGoBy(...excepted: readonly SharedPage<Page>[]): Promise<void> {
    await this.ledger.acknowledged.more(EVENTS);
    const { length } = this.ledger.heardBy(HEARER);
    const others = this.#tabs.filter((tab) => !excepted.includes(tab));
    await Promise.all(others.map((tab) => tab.waitUntil(`received.length >= ${length}`)));
  }

  /** Where the pages come from. */
  get origin(): string {
    return this.#site.origin;
  }

  async leader(): Promise<SharedPage<Page>> {
    return await leaderOf(this.#tabs);
  }

  /** Takes the tab that leads away until another leads; then it comes back, and all get events again. */
  async loseLeaderForAWhile(
    lose: (leader: SharedPage<Page>) => Promise<void>,
    bringBack: (leader: SharedPage<Page>) => Promise<void>,
  ): Promise<void> {
    const leader = await this.leader();
    const since = Date.now();
    await lose(leader);
    await this.#waitForAnother(leader, since);
    await this.eventsGoBy(leader);
    await bringBack(leader);
    await this.eventsGoBy();
  }

  async #waitForAnother(leader: SharedPage<Page>, since: number): Promise<void> {
    const others = this.#tabs.filter((tab) => tab !== leader);
    await waitFor(`another tab than ${leader.name} to open the stream`, async () => {
      const openings = await Promise.all(others.map((tab) => tab.openedAt()));
      return Math.max(...openings) > since;
    });
  }

  /** Takes the tab that leads away, in one way or another, and waits until the others get events again. */
  async loseLeader(lose: (leader: SharedPage<Page>) => Promise<void>): Promise<void> {
    const leader = await this.leader();
    this.#tabs = this.#tabs.filter((tab) => tab !== leader);
    await lose(leader);
    await this.eventsGoBy();
  }

  /** Kills the server and starts it again after some refused connections. */
  async restartServer(): Promise<void> {
    await this.server.kill();
    const { accepted } = this.#relay;
    await waitFor("tabs to come back in vain", () => this.#relay.accepted > accepted + 1);
    await this.server.startAgain();
    await this.eventsGoBy();
  }

  /** Lets the machine sleep for an hour, after which its connection is dead without a word. */
  async sleepAnHour(): Promise<void> {
    this.#relay.stall();
    await this.ledger.acknowledged.more(EVENTS);
    const { asked } = this.#relay;
    await Promise.all(this.#tabs.map(({ page }) => page.evaluate("void (jump += 3600000)")));
    // Not a new connection: the last stream may have ended in order just before, and left its own to be used again.
    await waitFor("a tab to ask for a new stream", () => this.#relay.asked > asked);
    this.#relay.mend();
    await this.eventsGoBy();
  }

  /** Stops emitting, and checks that each tab got everything once and in order. */
  async assertComplete(): Promise<void> {
    await this.#publisher?.stop();
    const { length } = this.ledger.heardBy(HEARER);
    assert(length > EVENTS);
    for (const tab of this.#tabs) {
      await tab.waitUntil(`received.length >= ${length}`);
      const received = await tab.received();
      this.ledger.assertComplete({ ...HEARER, name: tab.name, received });
    }
    await this.waitForOneStream();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#stack.disposeAsync();
  }
}
