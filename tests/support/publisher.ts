/**
 * A back end that emits one event after another, and emits again with the same idempotency key what
 * was not answered.
 *
 * @module
 */
import { assertEquals } from "./assert.ts";
import type { AcknowledgedEvent, Ledger } from "./ledger.ts";
import type { SeededRandom } from "./seeded_random.ts";
import { type WaitOptions, withDeadline } from "./wait.ts";

/** What an event is emitted to. */
export interface Target {
  readonly channel: string;
  /** A user, or `*`. */
  readonly userId: string;
}

/** Where to emit, and what. */
export interface PublisherOptions {
  /** Such as `http://127.0.0.1:41235/emit/`. */
  readonly emitUrl: string;
  /** Its events' data start with it. */
  readonly name: string;
  readonly targets: readonly [Target, ...Target[]];
  readonly random: SeededRandom;
  /** Told of every event, once, when its emit is answered. */
  readonly onAcknowledged: (event: AcknowledgedEvent) => void;
  /** Whether it now and then emits again what was answered, to see that it is answered the same. */
  readonly repeat: boolean;
  /** Statuses that are no failure, but mean that it is to emit again with the same key. Default: none. */
  readonly tryAgainOn?: ReadonlySet<number>;
  /** How long it waits at most, at random, after each event. Default: not at all. */
  readonly pauseMs?: number;
}

const TRY_AGAIN_AFTER_MS = 10;

/** How often an event that was answered is emitted again. */
const REPEAT_PROBABILITY = 0.1;

/** A publisher that emits until it is stopped; disposing of it gives up on what is not answered. */
export class Publisher implements AsyncDisposable {
  /** How many emits brought no answer. All but those that had been answered before were repeated. */
  unanswered = 0;
  /** The statuses after which it emitted again. */
  readonly refusals: number[] = [];
  /** How many emits that had been answered were repeated and answered again. */
  repeated = 0;
  readonly #options: PublisherOptions;
  readonly #http = Deno.createHttpClient({ poolMaxIdlePerHost: 1 });
  readonly #finished: Promise<void>;
  readonly #past: AcknowledgedEvent[] = [];
  #stopping = false;
  #abandoned = false;

  /** Starts to emit at once. */
  constructor(options: PublisherOptions) {
    this.#options = options;
    this.#finished = this.#run();
    // Whoever waits hears of a failure; that nobody waits is no second one.
    this.#finished.catch(() => {});
  }

  /** Rejects if an emit is answered otherwise than it should be; nothing is emitted after that. */
  get failed(): Promise<never> {
    return this.#finished.then(() => new Promise<never>(() => {}));
  }

  /**
   * Emits no more once the present event is answered.
   *
   * @throws {Error} if any emit was answered otherwise than it should have been, or is not answered
   * by the deadline.
   */
  async stop(options: WaitOptions = {}): Promise<void> {
    this.#stopping = true;
    await withDeadline(`an answer to ${this.#options.name}`, this.#finished, options);
  }

  async #run(): Promise<void> {
    const { random, targets, name, repeat, onAcknowledged, pauseMs = 0 } = this.#options;
    try {
      for (let number = 1; !this.#stopping; number++) {
        const event = { ...random.pick(targets), data: `${name}:${number}` };
        const id = await this.#emitUntilAnswered(event);
        if (id === undefined) return;
        onAcknowledged({ ...event, id });
        this.#past.push({ ...event, id });
        if (repeat && random.chance(REPEAT_PROBABILITY)) await this.#repeat();
        if (pauseMs > 0) {
          await new Promise((resolve) => setTimeout(resolve, random.between(0, pauseMs)));
        }
      }
    } finally {
      this.#http.close();
    }
  }

  /** The event's id, or `undefined` if the publisher is disposed of first. */
  async #emitUntilAnswered(event: Omit<AcknowledgedEvent, "id">): Promise<string | undefined> {
    while (!this.#abandoned) {
      const id = await this.#emit(event);
      if (id !== undefined) return id;
      await new Promise((resolve) => setTimeout(resolve, TRY_AGAIN_AFTER_MS));
    }
    return undefined;
  }

  async #repeat(): Promise<void> {
    const { random } = this.#options;
    const event = this.#past[random.between(0, this.#past.length - 1)];
    if (event === undefined) return;
    const id = await this.#emit(event);
    if (id === undefined) return;
    assertEquals(id, event.id, `${event.data} was emitted again and given another id`);
    this.repeated++;
  }

  /** The event's id, or `undefined` where no answer came, or one that says to try again. */
  async #emit(
    { channel, userId, data }: Omit<AcknowledgedEvent, "id">,
  ): Promise<string | undefined> {
    let status: number;
    let text: string;
    try {
      const response = await fetch(this.#options.emitUrl, {
        client: this.#http,
        method: "POST",
        headers: { Accept: "application/json", "Idempotency-Key": `key of ${data}` },
        body: new URLSearchParams({ channel, userId, data }),
      });
      status = response.status;
      text = await response.text();
    } catch {
      this.unanswered++;
      return undefined;
    }
    if (this.#options.tryAgainOn?.has(status)) {
      this.refusals.push(status);
      return undefined;
    }
    if (status !== 200) throw new Error(`emitting ${data} was answered ${status}: ${text}`);
    return String(JSON.parse(text).id);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stopping = true;
    this.#abandoned = true;
    await Promise.allSettled([this.#finished]);
  }
}

/** A publisher to alex, and to everyone, on the channel chat; the ledger gets what was answered. */
export function publishToChat(
  controlOrigin: string,
  random: SeededRandom,
  ledger: Ledger,
  pauseMs = 0,
): Publisher {
  return new Publisher({
    emitUrl: `${controlOrigin}/emit/`,
    name: "publisher",
    targets: [{ channel: "chat", userId: "alex" }, { channel: "chat", userId: "*" }],
    random,
    repeat: true,
    pauseMs,
    onAcknowledged: (event) => ledger.add(event),
  });
}
