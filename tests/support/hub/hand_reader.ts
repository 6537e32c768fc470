/**
 * A client that reads its stream by hand: as fast, as slow or as little as a test wants.
 *
 * @module
 */
import { createParser } from "npm:eventsource-parser@4.1.3";
import type { Subscriber } from "../../../src/hub/subscriber.ts";
import { settle } from "./fake_time.ts";

/** An event as page code would see it. */
export interface SeenEvent {
  /** The last event id after this event. */
  readonly id: string;
  readonly event: string;
  readonly data: string;
}

/** Reads one subscriber's stream, chunk by chunk, and only when the test calls for it. */
export class HandReader {
  readonly subscriber: Subscriber;
  readonly events: SeenEvent[] = [];
  /** Every byte taken so far, as text. */
  text = "";
  /** The last event id that the client would resume with; empty if it has none. */
  lastEventId = "";
  /** How the stream ended, once the reader has come to its end. */
  end: "clean" | "broken" | undefined;
  #reader: ReadableStreamDefaultReader<Uint8Array>;
  #asked = false;
  readonly #isFresh: boolean;
  /** Counts the readers, so that a released reader is ignored. */
  #generation = 0;
  readonly #decoder = new TextDecoder();
  readonly #parser = createParser({
    onEvent: ({ event, data }) =>
      this.events.push({ id: this.lastEventId, event: event ?? "message", data }),
    onId: (id) => this.lastEventId = id,
  });

  /** @param isFresh whether the client came without an id. */
  constructor(subscriber: Subscriber, isFresh: boolean) {
    this.subscriber = subscriber;
    this.#isFresh = isFresh;
    this.#reader = subscriber.body.getReader();
  }

  /** Everything but the greeting: a comment, the reconnection time, and for a fresh client an id. */
  get textAfterGreeting(): string {
    const greeting = this.#isFresh
      ? /^: connected\nretry: [0-9]+\nid: [0-9a-z-]+\n\n/
      : /^: connected\nretry: [0-9]+\n/;
    return this.text.slice(greeting.exec(this.text)?.[0].length ?? this.text.length);
  }

  /** Requests one chunk and takes it if it is there; returns whether it was. The request stays open. */
  async take(): Promise<boolean> {
    const before = this.text.length;
    this.#ask();
    await settle();
    return this.text.length > before;
  }

  /** Takes every chunk until no more come, and leaves one read open. */
  async takeAll(): Promise<void> {
    while (await this.take());
  }

  /** Cancels the open read: from now on the client takes nothing at all. */
  async stop(): Promise<void> {
    this.#generation++;
    this.#asked = false;
    this.#reader.releaseLock();
    this.#reader = this.subscriber.body.getReader();
    await settle();
  }

  /** Leaves like a client that closes its connection. */
  async leave(): Promise<void> {
    this.#generation++;
    await this.#reader.cancel();
  }

  #ask(): void {
    if (this.#asked || this.end !== undefined) return;
    this.#asked = true;
    this.#read(this.#generation);
  }

  async #read(generation: number): Promise<void> {
    try {
      const { done, value } = await this.#reader.read();
      if (generation !== this.#generation) return;
      this.#asked = false;
      if (done) this.end = "clean";
      else this.#note(value);
    } catch {
      if (generation !== this.#generation) return;
      this.#asked = false;
      this.end = "broken";
    }
  }

  #note(chunk: Uint8Array): void {
    const text = this.#decoder.decode(chunk, { stream: true });
    this.text += text;
    this.#parser.feed(text);
  }
}
