/**
 * A server as the client for browsers sees it: a log, streams that resume from an id, and everything that ends them.
 *
 * @module
 */
import type { SeededRandom } from "../seeded_random.ts";

/** An event in the log. */
export interface ModelEvent {
  /** Orders the events of all logs. */
  readonly seq: number;
  /** The server's, or one that the back end gave. */
  readonly id: string;
  readonly data: string;
}

/** An answer on its way to a tab. */
export interface ModelStream {
  /** Called with bytes, in order. */
  readonly onBytes: (bytes: Uint8Array) => void;
  readonly onEnd: (how: "clean" | "broken") => void;
}

const encoder = new TextEncoder();

/** What a server answers now. */
export type Mood = "up" | "away" | "unavailable" | "over";

export class ModelServer {
  mood: Mood = "up";
  /** Every event, of earlier logs too. */
  readonly all: ModelEvent[] = [];
  readonly #random: SeededRandom;
  readonly #streams = new Set<ModelStream>();
  #retained: ModelEvent[] = [];
  #epoch = "aaaaaa";
  #seq = 1000;
  /** Events up to here are no longer retained. */
  #droppedThrough = 0;
  #tokenVersion = 1;

  constructor(random: SeededRandom) {
    this.#random = random;
  }

  /** The number of open streams. */
  get streams(): number {
    return this.#streams.size;
  }

  get headId(): string {
    return this.#idOf(this.#seq);
  }

  get headSeq(): number {
    return this.#seq;
  }

  #idOf(seq: number): string {
    return `${String(seq).padStart(16, "0")}-${this.#epoch}`;
  }

  /** A token that is good until the next {@link expireTokens}. */
  tokenOf(user: string): string {
    return `x.${btoa(JSON.stringify({ userId: user, channel: "chat" }))}.${this.#tokenVersion}`;
  }

  /** The status of a refusal; `undefined` if a stream is to be had. */
  refusalOf(authorization: string | undefined): number | undefined {
    if (this.mood === "unavailable") return 503;
    if (this.mood === "over") return 204;
    return authorization?.endsWith(`.${this.#tokenVersion}`) ? undefined : 401;
  }

  /** @param id with what the event is to be sent in place of the server's own id. */
  emit(data: string, id?: string): void {
    const seq = ++this.#seq;
    const event = { seq, id: id ?? this.#idOf(seq), data };
    this.all.push(event);
    this.#retained.push(event);
    this.#writeAll(frameOf(event));
  }

  /** An event to another user: the head moves on, and no stream brings anything. */
  emitElsewhere(): void {
    this.#seq++;
  }

  beat(): void {
    this.#writeAll(`:\nid: ${this.headId}\n`);
  }

  /** Opens a stream. @param lastEventId as its client sent it. */
  open(stream: ModelStream, lastEventId: string | undefined): void {
    this.#streams.add(stream);
    const write = (text: string) => this.#write(stream, text);
    const hello = JSON.stringify(lastEventId ? {} : { lastEventId: this.headId });
    const idLine = lastEventId ? "" : `id: ${this.headId}\n`;
    write(`: connected\nretry: 1000\nevent: hello\ndata: ${hello}\n${idLine}\n`);
    if (!lastEventId) return;
    const from = this.#find(lastEventId);
    if (from < this.#droppedThrough) {
      const oldest = this.#retained[0];
      const position = Math.min(this.#droppedThrough, (oldest?.seq ?? Infinity) - 1);
      const data = JSON.stringify({ asked: lastEventId, oldest: oldest?.id ?? null });
      write(`event: gap\ndata: ${data}\nid: ${this.#idOf(position)}\n\n`);
    }
    for (const event of this.#retained) if (event.seq > from) write(frameOf(event));
  }

  /** -1 for an id that means nothing here. */
  #find(id: string): number {
    if (/^\d{16}-/.test(id)) return id.endsWith(this.#epoch) ? parseInt(id, 10) : -1;
    return this.#retained.find((event) => event.id === id)?.seq ?? -1;
  }

  close(stream: ModelStream): void {
    this.#streams.delete(stream);
  }

  /** Ends every stream; some of what was sent may be lost if it breaks. */
  end(how: "clean" | "broken"): void {
    for (const stream of this.#streams) stream.onEnd(how);
    this.#streams.clear();
  }

  expireTokens(): void {
    this.#tokenVersion++;
    this.#writeAll(": token expired\n");
    this.end("clean");
  }

  /** Drops the older events. */
  trim(): void {
    const dropped = this.#retained.splice(0, this.#random.between(0, this.#retained.length));
    this.#droppedThrough = dropped.at(-1)?.seq ?? this.#droppedThrough;
  }

  /** A restart that loses the log. */
  loseLog(): void {
    this.end("broken");
    this.#retained = [];
    this.#droppedThrough = 0;
    this.#epoch = Array.from({ length: 6 }, () => "abcdefgh"[this.#random.between(0, 7)]).join("");
  }

  #writeAll(text: string): void {
    for (const stream of this.#streams) this.#write(stream, text);
  }

  #write(stream: ModelStream, text: string): void {
    const bytes = encoder.encode(text);
    for (let offset = 0; offset < bytes.length;) {
      const end = this.#random.chance(0.8) ? bytes.length : offset + this.#random.between(1, 40);
      stream.onBytes(bytes.subarray(offset, end));
      offset = end;
    }
  }
}

function frameOf({ id, data }: ModelEvent): string {
  return `data: ${data}\nid: ${id}\n\n`;
}
