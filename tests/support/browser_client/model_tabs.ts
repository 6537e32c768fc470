/**
 * Tabs of one browser in this process: each runs the client for browsers by itself, with locks, channels, a network
 * and timers of which each does one thing at a time, in an order that chance decides. A tab that hangs does nothing.
 *
 * @module
 */
import type {
  connect as Connect,
  Connection,
  ConnectOptions,
} from "../../../src/client/client.d.ts";
import type { SeededRandom } from "../seeded_random.ts";
import { PROJECT_ROOT } from "../server_command.ts";
import type { ReceivedEvent } from "../sse_client.ts";
import type { ModelServer, ModelStream } from "./model_server.ts";

const source = (await Deno.readTextFile(`${PROJECT_ROOT}src/client/client.js`))
  .replace("export function connect", "return function connect");

/** What a page has, by the name under which the client finds it. */
const GLOBALS = [
  ...["globalThis", "navigator", "BroadcastChannel", "fetch", "Date", "Math"],
  ...["setTimeout", "clearTimeout", "setInterval", "clearInterval"],
] as const;

/** Where what happens to a tab comes from; each source keeps its order. */
const SOURCES = ["messages", "network", "locks", "timers"] as const;
type Source = typeof SOURCES[number];

/** Without `random`, which the browser's own choices replace. */
const MATH = { min: Math.min, max: Math.max, abs: Math.abs };

interface Timer {
  readonly tab: ModelTab;
  readonly action: () => void;
  readonly everyMs: number | undefined;
  at: number;
}

interface LockRequest {
  readonly tab: ModelTab;
  readonly callback: () => unknown;
  readonly done: PromiseWithResolvers<unknown>;
}

interface Lock {
  holder: LockRequest | undefined;
  queue: LockRequest[];
}

interface Channel {
  readonly tab: ModelTab;
  readonly name: string;
  onmessage: ((event: { data: unknown }) => void) | undefined;
}

/** All that a task has made due is done before the next task. */
async function doWhatIsDue(): Promise<void> {
  for (let turn = 0; turn < 30; turn++) await null;
}

/** The browser. */
export class ModelBrowser {
  readonly tabs: ModelTab[] = [];
  readonly server: ModelServer;
  readonly random: SeededRandom;
  nowMs = 1_000_000;
  /** Whether pages have locks: without a secure context they have none. */
  hasLocks = true;
  readonly channels = new Set<Channel>();
  readonly timers = new Set<Timer>();
  readonly #locks = new Map<string, Lock>();

  constructor(server: ModelServer, random: SeededRandom) {
    this.server = server;
    this.random = random;
  }

  open(user: string, options: ConnectOptions = {}): ModelTab {
    const tab = new ModelTab(this, user, options);
    this.tabs.push(tab);
    return tab;
  }

  /** Lets one thing happen; false if nothing is to happen before time goes on. */
  async step(): Promise<boolean> {
    const ready = this.tabs.filter((tab) => !tab.isHung)
      .flatMap((tab) => SOURCES.map((source) => tab.tasks[source]))
      .filter((tasks) => tasks.length > 0);
    if (ready.length === 0) return false;
    this.random.pick(ready).shift()?.();
    await doWhatIsDue();
    return true;
  }

  /** Lets everything happen that is to happen before time goes on. */
  async settle(): Promise<void> {
    await doWhatIsDue();
    while (await this.step());
  }

  /** Lets time go on; timers that are due then are ready to run. */
  advance(ms: number): void {
    this.nowMs += ms;
    for (const timer of [...this.timers].sort((one, other) => one.at - other.at)) {
      if (timer.at > this.nowMs) continue;
      timer.tab.tasks.timers.push(() => this.timers.has(timer) && timer.action());
      if (timer.everyMs === undefined) {
        timer.tab.tasks.timers.push(() => this.timers.delete(timer));
      } else timer.at = this.nowMs + timer.everyMs;
    }
  }

  request(
    tab: ModelTab,
    name: string,
    { signal, steal }: { readonly signal?: AbortSignal; readonly steal?: boolean },
    callback: () => unknown,
  ): Promise<unknown> {
    const lock = this.#locks.get(name) ?? { holder: undefined, queue: [] };
    this.#locks.set(name, lock);
    const request = { tab, callback, done: Promise.withResolvers<unknown>() };
    const refuse = ({ done }: LockRequest) => done.reject(new DOMException("", "AbortError"));
    if (steal) {
      const { holder } = lock;
      if (holder !== undefined) holder.tab.tasks.locks.push(() => refuse(holder));
      lock.holder = undefined;
      lock.queue.unshift(request);
    } else lock.queue.push(request);
    signal?.addEventListener("abort", () => {
      if (!lock.queue.includes(request)) return;
      lock.queue = lock.queue.filter((each) => each !== request);
      refuse(request);
    });
    this.#grant(lock);
    return request.done.promise;
  }

  #grant(lock: Lock): void {
    if (lock.holder !== undefined) return;
    const next = lock.queue.shift();
    if (next === undefined) return;
    lock.holder = next;
    next.tab.tasks.locks.push(async () => {
      const result = await next.callback();
      if (lock.holder !== next) return;
      next.done.resolve(result);
      lock.holder = undefined;
      this.#grant(lock);
    });
  }

  /** Takes a tab away with all that it has, as if its process had ended. */
  kill(tab: ModelTab): void {
    this.tabs.splice(this.tabs.indexOf(tab), 1);
    tab.isGone = true;
    for (const channel of this.channels) if (channel.tab === tab) this.channels.delete(channel);
    for (const timer of this.timers) if (timer.tab === tab) this.timers.delete(timer);
    for (const stream of tab.streams) this.server.close(stream);
    for (const lock of this.#locks.values()) {
      lock.queue = lock.queue.filter((request) => request.tab !== tab);
      if (lock.holder?.tab === tab) lock.holder = undefined;
      this.#grant(lock);
    }
  }
}

/** A tab, and what its page received. */
export class ModelTab {
  /** Whose token the page gets. */
  user: string;
  /** When the page asked for a stream, on the browser's clock. */
  readonly askedAt: number[] = [];
  readonly received: ReceivedEvent[] = [];
  readonly states: string[] = [];
  /** Why the tab is in its last state, as the page was told. */
  reason: string | undefined;
  /** The server's head when the tab was first told that the stream is open. */
  openedAt: number | undefined;
  readonly tasks: Readonly<Record<Source, (() => unknown)[]>> = {
    messages: [],
    network: [],
    locks: [],
    timers: [],
  };
  readonly streams = new Set<ModelStream>();
  isHung = false;
  isAsleep = false;
  isGone = false;
  readonly connection: Connection;
  readonly #page = new EventTarget();
  readonly #browser: ModelBrowser;

  constructor(browser: ModelBrowser, user: string, options: ConnectOptions) {
    this.#browser = browser;
    this.user = user;
    const values = this.#globals();
    const run = new Function(...GLOBALS, source);
    const connect = run(...GLOBALS.map((name) => values[name])) as typeof Connect;
    this.connection = connect("http://127.0.0.1/events/", {
      token: () => browser.server.tokenOf(this.user),
      state: (state, reason) => {
        this.states.push(state);
        this.reason = reason;
        if (state === "open") this.openedAt ??= browser.server.headSeq;
      },
      ...options,
    });
    for (const type of ["message", "gap"]) {
      this.connection.on(type, (data, { lastEventId }) => {
        this.received.push({ id: lastEventId, event: type, data });
      });
    }
  }

  /** Puts the page to sleep, or wakes it. */
  setAsleep(isAsleep: boolean): void {
    this.isAsleep = isAsleep;
    this.#page.dispatchEvent(new Event(isAsleep ? "freeze" : "resume"));
  }

  #globals(): Record<typeof GLOBALS[number], unknown> {
    const browser = this.#browser;
    const tab = this as ModelTab;
    const addTimer = (action: () => void, ms: number, everyMs?: number) => {
      const timer = { tab, action, everyMs, at: browser.nowMs + ms };
      browser.timers.add(timer);
      return timer;
    };
    const clear = (timer: Timer) => browser.timers.delete(timer);
    class BroadcastChannel implements Channel {
      readonly tab = tab;
      readonly name: string;
      onmessage: Channel["onmessage"];

      constructor(name: string) {
        this.name = name;
        browser.channels.add(this);
      }

      postMessage(data: unknown): void {
        for (const channel of browser.channels) {
          if (channel === this || channel.name !== this.name) continue;
          const copy = structuredClone(data);
          channel.tab.tasks.messages.push(() => {
            if (browser.channels.has(channel)) channel.onmessage?.({ data: copy });
          });
        }
      }

      close(): void {
        browser.channels.delete(this);
      }
    }
    return {
      globalThis: {
        BroadcastChannel,
        addEventListener: this.#page.addEventListener.bind(this.#page),
      },
      navigator: browser.hasLocks
        ? { locks: { request: browser.request.bind(browser, this) } }
        : {},
      BroadcastChannel,
      fetch: (_: URL, init: RequestInit) => this.#fetch(init),
      Date: { now: () => browser.nowMs },
      Math: { ...MATH, random: () => browser.random.next() },
      setTimeout: (action: () => void, ms: number) => addTimer(action, ms),
      clearTimeout: clear,
      setInterval: (action: () => void, ms: number) => addTimer(action, ms, ms),
      clearInterval: clear,
    };
  }

  #fetch({ headers, signal }: RequestInit): Promise<unknown> {
    const { server } = this.#browser;
    const sent = headers as Record<string, string>;
    const answer = Promise.withResolvers<unknown>();
    const abort = () => answer.reject(new DOMException("", "AbortError"));
    signal?.addEventListener("abort", abort);
    this.tasks.network.push(() => {
      if (signal?.aborted) return;
      this.askedAt.push(this.#browser.nowMs);
      if (server.mood === "away") return answer.reject(new TypeError("Failed to fetch"));
      const status = server.refusalOf(sent.Authorization);
      if (status !== undefined) {
        answer.resolve(answerOf(status, new ModelBody()));
        return;
      }
      answer.resolve(this.#open(sent["Last-Event-ID"], signal ?? undefined));
    });
    return answer.promise;
  }

  /** An answer whose bytes come as tasks of the tab. */
  #open(lastEventId: string | undefined, signal: AbortSignal | undefined): unknown {
    const { server, random } = this.#browser;
    const { tasks, streams } = this;
    const body = new ModelBody();
    let isBroken = false;
    const stream: ModelStream = {
      onBytes: (bytes) => {
        tasks.network.push(() => {
          if (isBroken && random.chance(0.3)) body.fail(new TypeError("broken"));
          else body.add({ done: false, value: bytes });
        });
      },
      onEnd: (how) => {
        isBroken = how === "broken";
        streams.delete(stream);
        tasks.network.push(() =>
          isBroken ? body.fail(new TypeError("broken")) : body.add({ done: true })
        );
      },
    };
    signal?.addEventListener("abort", () => {
      server.close(stream);
      streams.delete(stream);
      body.fail(new DOMException("", "AbortError"));
    });
    streams.add(stream);
    server.open(stream, lastEventId);
    return answerOf(200, body);
  }
}

interface Piece {
  readonly done: boolean;
  readonly value?: Uint8Array;
}

/** A body that is read by one reader, without a turn of the event loop. */
class ModelBody {
  readonly #pieces: Piece[] = [];
  #waiting: PromiseWithResolvers<Piece> | undefined;
  #failure: Error | undefined;

  add(piece: Piece): void {
    if (this.#waiting === undefined) this.#pieces.push(piece);
    else this.#waiting.resolve(piece);
    this.#waiting = undefined;
  }

  fail(error: Error): void {
    this.#failure ??= error;
    this.#waiting?.reject(error);
    this.#waiting = undefined;
  }

  getReader(): { read(): Promise<Piece> } {
    return {
      read: () => {
        if (this.#failure !== undefined) return Promise.reject(this.#failure);
        const piece = this.#pieces.shift();
        if (piece !== undefined) return Promise.resolve(piece);
        this.#waiting = Promise.withResolvers();
        return this.#waiting.promise;
      },
    };
  }
}

/** As much of a `Response` as the client uses. */
function answerOf(status: number, body: ModelBody): unknown {
  const headers = { get: () => "text/event-stream" };
  return { status, headers, body, text: () => Promise.resolve("refused") };
}
