import { reasonOf } from "../../lib/errors.ts";
import type { Pacer } from "../../lib/pacer.ts";
import type { Broker } from "../broker.ts";
import type { Subscription } from "../../auth/subscription.ts";
import type { Batch, HistoryReader, ReadStart } from "../history_reader.ts";
import { packEvents } from "./event_batch.ts";
import type { FromFollower, ToFollower } from "./messages.ts";

type ReaderMessage = Extract<FromFollower, { readonly reader: number }>;

/** One `read` that has no answer yet. */
interface Request {
  readonly readers: FollowerReaders;
  readonly reader: number;
  readonly maxBytes: number;
}

/**
 * Reads history for followers in other threads, one batch for each request in turn. Reading pauses now
 * and then, so that publishers get their answers however many followers read.
 */
export class HistoryServer {
  readonly #broker: Pick<Broker, "openReader">;
  readonly #pacer: Pacer;
  readonly #due = new Set<Request>();

  /** @param makePacer makes the pacer, which is to call back when a pause is over. */
  constructor(broker: Pick<Broker, "openReader">, makePacer: (resume: () => void) => Pacer) {
    this.#broker = broker;
    this.#pacer = makePacer(() => this.#serve());
  }

  /** The readers of one more follower. */
  connect(post: (message: ToFollower) => void): FollowerReaders {
    return new FollowerReaders(this.#broker, post, (request) => this.#request(request));
  }

  #request(request: Request): void {
    this.#due.add(request);
    this.#serve();
  }

  #serve(): void {
    this.#pacer.workOff(this.#due, (request) => {
      request.readers.answer(request, () => this.#request(request));
    });
  }
}

/** The readers that one follower has open in this thread. */
export class FollowerReaders {
  readonly #broker: Pick<Broker, "openReader">;
  readonly #post: (message: ToFollower) => void;
  readonly #request: (request: Request) => void;
  readonly #open = new Map<number, HistoryReader>();

  constructor(
    broker: Pick<Broker, "openReader">,
    post: (message: ToFollower) => void,
    request: (request: Request) => void,
  ) {
    this.#broker = broker;
    this.#post = post;
    this.#request = request;
  }

  /** Takes a message of the follower that is about a reader. */
  take(message: ReaderMessage): void {
    const { kind, reader } = message;
    switch (kind) {
      case "open":
        this.#open.set(reader, this.#openReader(message.subscription, message.start));
        return;
      case "read":
        return this.#request({ readers: this, reader, maxBytes: message.maxBytes });
      case "close":
        this.#open.get(reader)?.close();
        this.#open.delete(reader);
    }
  }

  /** Answers a request, unless its reader was closed; calls `again` when another call is worth it. */
  answer({ reader, maxBytes }: Request, again: () => void): void {
    const history = this.#open.get(reader);
    if (history === undefined) return;
    try {
      const batch = history.next(maxBytes);
      if (batch !== undefined) return this.#send(reader, batch);
      history.ready().then(again, (error) => this.#fail(reader, history, error));
    } catch (error) {
      this.#fail(reader, history, error);
    }
  }

  /** Closes every reader. */
  close(): void {
    for (const reader of this.#open.values()) reader.close();
    this.#open.clear();
  }

  /** A store that fails now is reported with the answer to the first `read`. */
  #openReader(subscription: Subscription, start: ReadStart): HistoryReader {
    try {
      return this.#broker.openReader(subscription, start);
    } catch (error) {
      return new FailedReader(error);
    }
  }

  #send(reader: number, batch: Batch): void {
    this.#post({ kind: "history", reader, batch: { ...batch, events: packEvents(batch.events) } });
  }

  #fail(reader: number, history: HistoryReader, error: unknown): void {
    if (this.#open.get(reader) !== history) return;
    this.#post({ kind: "history failed", reader, reason: reasonOf(error) });
  }
}

/** A reader that could not be opened. */
class FailedReader implements HistoryReader {
  readonly size = 0;
  readonly #error: unknown;

  constructor(error: unknown) {
    this.#error = error;
  }

  next(): never {
    throw this.#error;
  }

  ready(): Promise<void> {
    return Promise.resolve();
  }

  close(): void {}
}
