/**
 * A broker whose history is a script, and the clients that read it through a real `CatchUp`.
 *
 * @module
 */
import type { Broker } from "../../../src/broker/broker.ts";
import type { Batch, HistoryReader, ReadStart } from "../../../src/broker/history_reader.ts";
import type { Subscription } from "../../../src/auth/subscription.ts";
import { CatchUp } from "../../../src/hub/catch_up.ts";
import { HubCounters } from "../../../src/hub/stream_counts.ts";
import { Subscriber } from "../../../src/hub/subscriber.ts";
import { createEvent } from "../../../src/sse/event.ts";

/** The name of the scripted log. */
export const EPOCH = "script";

/** How the history of one user behaves. Each event of it is a batch: `1;`, `2;` and so on. */
export interface Script {
  /** The seq of the newest event. Default: 1. */
  readonly last?: number;
  /** Default: 1, which is a small reader. */
  readonly size?: number;
  /** How many channels the client subscribes to. Default: 1. */
  readonly channels?: number;
  /** Bytes that each event has more. Default: 0. */
  readonly padding?: number;
  /** How often each batch has to be asked for before it is there. Default: 0. */
  readonly waits?: number;
  /** What `ready()` answers. Default: resolved at once. */
  readonly ready?: () => Promise<void>;
  /** Runs in place of the usual batch where it answers one, or throws. */
  readonly next?: (position: number) => Batch | undefined;
  /** Runs before a reader is opened: it may throw. */
  readonly open?: () => void;
}

/** One client: takes whatever comes, unless it is told to take nothing. */
export interface ScriptedClient {
  readonly subscriber: Subscriber;
  /** What it has taken, without padding. */
  text: string;
  /** Begins to take everything. */
  take(): void;
}

/** History by script, with a clock that moves only where a read takes time. */
export class ScriptedHistory {
  /** For whom `next` was called, in order. */
  readonly asked: string[] = [];
  /** Readers that were opened, by user. */
  readonly opened: string[] = [];
  readonly starts: ReadStart[] = [];
  open = 0;
  mostOpen = 0;
  /** Asks of a reader after it was closed, and closes after the first. */
  misuses = 0;
  readonly failures: [user: string, message: string][] = [];
  readonly counters = new HubCounters();
  readonly catchUp: CatchUp;
  /** What each `next` takes, in milliseconds. */
  costMs = 0;
  #nowMs = 0;
  readonly #scripts = new Map<string, Script>();

  constructor() {
    const broker = {
      head: { seq: 1_000, epoch: EPOCH },
      openReader: (...what: Parameters<Broker["openReader"]>) => this.#openReader(...what),
    };
    this.catchUp = new CatchUp(
      broker as Broker,
      { wall: () => this.#nowMs, steady: () => this.#nowMs },
      this.counters,
      (subscriber, error) => {
        this.failures.push([subscriber.claims.user, String(error)]);
        this.end(subscriber);
      },
    );
  }

  /** Lets time pass in which nothing is read. */
  pass(ms: number): void {
    this.#nowMs += ms;
  }

  /** Connects a client that is behind. */
  connect(user: string, script: Script = {}, takes = true): ScriptedClient {
    this.#scripts.set(user, script);
    const others = Array.from({ length: (script.channels ?? 1) - 1 }, (_, n) => `other${n}`);
    const claims = { user, channels: ["chat", ...others], expiresAt: undefined };
    const subscriber = new Subscriber(claims, { head: 0, lastEventId: "known" }, {
      isEventSource: true,
      greeting: new Uint8Array(),
      maxBufferBytes: 2 ** 20,
      source: {
        catchUp: (subscriber) => this.catchUp.request(subscriber),
        fellBehind: () => {},
        caughtUp: () => {},
        left: (subscriber) => this.catchUp.forget(subscriber),
      },
      nowMs: 0,
      wallMs: 0,
      id: "s-1",
    });
    const client = { subscriber, text: "", take: () => void read(client) };
    if (takes) client.take();
    return client;
  }

  /** Ends a subscriber as the hub does. */
  end(subscriber: Subscriber): void {
    subscriber.end(new Uint8Array());
    this.catchUp.forget(subscriber);
  }

  /** An event of the scripted log. */
  event(seq: number, padding = 0) {
    const block = `data: ${seq}\n: ${"x".repeat(padding)}`;
    return createEvent({ channel: "chat", user: "*", block }, seq, EPOCH);
  }

  #openReader({ user }: Subscription, start: ReadStart): HistoryReader {
    const script = this.#scripts.get(user) ?? {};
    script.open?.();
    this.opened.push(user);
    this.starts.push(start);
    this.mostOpen = Math.max(this.mostOpen, ++this.open);
    let position = "position" in start ? start.position : 0;
    let waits = script.waits ?? 0;
    let isClosed = false;
    return {
      size: script.size ?? 1,
      next: () => {
        if (isClosed) this.misuses++;
        this.asked.push(user);
        this.#nowMs += this.costMs;
        const given = script.next?.(position);
        if (given === undefined && (script.next !== undefined || waits-- > 0)) return undefined;
        waits = script.waits ?? 0;
        const batch = given ?? this.#batch(script, position);
        position = batch.through;
        return batch;
      },
      ready: script.ready ?? (() => Promise.resolve()),
      close: () => {
        if (isClosed) this.misuses++;
        else this.open--;
        isClosed = true;
      },
    };
  }

  #batch({ last = 1, padding }: Script, position: number): Batch {
    const seq = position + 1;
    const events = seq > last ? [] : [this.event(seq, padding)];
    return { events, through: seq, reachesHead: seq >= last, gap: undefined };
  }
}

async function read(client: ScriptedClient): Promise<void> {
  const decoder = new TextDecoder();
  for await (const chunk of client.subscriber.body) {
    client.text += decoder.decode(chunk).replaceAll(/^: x*\n/gm, "");
  }
}
