/**
 * Back ends of every kind, which emit until they are told to stop and note what became of each emit.
 *
 * @module
 */
import { TextLineStream } from "../support/lines.ts";
import type { SeededRandom } from "../support/seeded_random.ts";
import type { Account, Emitted } from "./account.ts";
import { BULK, NEWS, ORDERS, TOPICS, USERS } from "./parts.ts";
import type { Site } from "./site.ts";

/** How a request carries its event. */
type Form = "form" | "payload" | "multipart" | "JSON" | "refused" | "key of another event";

interface Kind {
  readonly name: string;
  readonly forms: readonly Form[];
  /** Between two emits, on average. */
  readonly pauseMs: number;
  /** Whether each emit has an idempotency key, and is sent again until it is answered, and then once more. */
  readonly isKeyed?: boolean;
  readonly channels?: readonly string[];
  readonly size?: number;
}

const KINDS: readonly Kind[] = [
  { name: "news", forms: ["form", "JSON"], pauseMs: 1_000, channels: [NEWS] },
  { name: "forms", forms: ["form", "payload"], pauseMs: 150 },
  { name: "multipart", forms: ["multipart"], pauseMs: 250 },
  { name: "JSON", forms: ["JSON"], pauseMs: 150 },
  { name: "keyed", forms: ["form", "JSON"], pauseMs: 200, isKeyed: true },
  { name: "refused", forms: ["refused", "key of another event"], pauseMs: 600 },
  { name: "large", forms: ["form", "JSON"], pauseMs: 600, channels: [BULK], size: 100_000 },
];

const NDJSON_LINES = 60;
const NDJSON_PAUSE_MS = 70;

/** Answers within this time, whatever fault there is. */
const ANSWER_MS = 45_000;
const REPEAT_AFTER_MS = 100;

/** Less than the shortest -history-age, for which a server remembers a key. */
const KEY_KEPT_MS = 8_000;

/** What one attempt brought. */
type Attempt =
  | { readonly kind: "id"; readonly id: string }
  | { readonly kind: "no answer" }
  /** It may be emitted again; it is sure, or not, that nothing was published. */
  | { readonly kind: "try again"; readonly nothingDone: boolean }
  | { readonly kind: "refused"; readonly status: number; readonly text: string };

/** All back ends of a site. */
export class Publishers {
  readonly #site: Site;
  readonly #account: Account;
  readonly #running: readonly Promise<void>[];
  readonly #stopping = Promise.withResolvers<void>();
  #isStopping = false;
  #lastKey = "";
  #lastKeyAt = 0;

  /** Starts them. */
  constructor(site: Site, account: Account, random: SeededRandom) {
    this.#site = site;
    this.#account = account;
    this.#running = [
      ...KINDS.map((kind) => this.#run(kind, random.fork())),
      this.#runLines(random.fork()),
    ];
  }

  /** Has them finish what they have begun. */
  async stop(): Promise<void> {
    this.#isStopping = true;
    this.#stopping.resolve();
    await Promise.all(this.#running);
  }

  async #run(kind: Kind, random: SeededRandom): Promise<void> {
    using http = Deno.createHttpClient({ poolMaxIdlePerHost: 2 });
    while (!this.#isStopping) {
      const event = this.#begin(kind, random);
      if (kind.isKeyed) await this.#emitKeyed(event, random, http);
      else await this.#emitOnce(event, random.pick(kind.forms), random, http);
      await this.#pause(random.between(0, 2 * kind.pauseMs));
    }
  }

  #begin({ channels = [...TOPICS, ...ORDERS], size }: Kind, random: SeededRandom): Emitted {
    const userId = channels.includes(NEWS) || random.chance(0.7) ? "*" : random.pick(USERS);
    return this.#account.begin(random.pick(channels), userId, size ?? random.between(0, 400));
  }

  async #emitOnce(
    event: Emitted,
    form: Form,
    random: SeededRandom,
    http: Deno.HttpClient,
  ): Promise<void> {
    // A store that forgets its keys would take the event.
    const isKept = !this.#account.memory.losesAll && Date.now() - this.#lastKeyAt < KEY_KEPT_MS;
    const key = form === "key of another event" && isKept ? this.#lastKey : undefined;
    const isWrong = form === "refused" || key !== undefined;
    if (form === "key of another event" && !isWrong) return this.#account.refuse(event);
    const attempt = await this.#attempt(event, form, key, random, http);
    switch (attempt.kind) {
      case "id":
        if (isWrong) this.#account.findings.add(`an emit (${form}) was answered ${attempt.id}`);
        return this.#account.acknowledge(event, attempt.id);
      case "no answer":
        return this.#account.giveUp(event);
      case "try again":
        if (attempt.nothingDone) return this.#account.refuse(event);
        return this.#account.giveUp(event);
      case "refused":
        if (!isWrong) this.#findRefusal(form, attempt);
        return this.#account.refuse(event);
    }
  }

  /** Emits until there is an answer, and then the same again: the key makes it one event. */
  async #emitKeyed(event: Emitted, random: SeededRandom, http: Deno.HttpClient): Promise<void> {
    const key = `key ${event.number}`;
    const giveUpAt = Date.now() + KEY_KEPT_MS;
    for (let answers = 0; answers < 2;) {
      const attempt = await this.#attempt(event, "JSON", key, random, http);
      if (attempt.kind === "id") {
        answers++;
        this.#lastKey = key;
        this.#lastKeyAt = Date.now();
        // A store that forgets gives it a second place; any other that does is found out here.
        this.#account.acknowledge(event, attempt.id);
        continue;
      }
      if (attempt.kind === "refused") {
        this.#findRefusal("with a key", attempt);
        return this.#account.refuse(event);
      }
      // Later, the server may have forgotten the key.
      if (Date.now() > giveUpAt) break;
      if (answers > 0 && this.#isStopping) return;
      await new Promise((resolve) => setTimeout(resolve, REPEAT_AFTER_MS));
    }
    if (event.outcome === "pending") this.#account.giveUp(event);
  }

  #findRefusal(what: string, { status, text }: { status: number; text: string }): void {
    this.#account.findings.add(`an emit (${what}) was answered ${status}: ${text.slice(0, 200)}`);
  }

  async #attempt(
    event: Emitted,
    form: Form,
    key: string | undefined,
    random: SeededRandom,
    http: Deno.HttpClient,
  ): Promise<Attempt> {
    const { current } = random.pick(this.#site.nodes);
    const { body, type } = bodyOf(event, form);
    const headers = new Headers({ Accept: "application/json" });
    if (type !== undefined) headers.set("Content-Type", type);
    if (key !== undefined) headers.set("Idempotency-Key", key);
    let status: number;
    let text: string;
    try {
      const response = await fetch(`${current.controlOrigin}/emit/`, {
        ...{ method: "POST", body, headers, client: http },
        signal: AbortSignal.timeout(ANSWER_MS),
      });
      status = response.status;
      text = await response.text();
    } catch (error) {
      if (error instanceof DOMException && error.name === "TimeoutError") {
        const state = current.hasEnded ? "has ended" : "runs";
        this.#account.findings.add(
          `an emit (${form}) was not answered for ${ANSWER_MS / 1000} s; ` +
            `the process ${current.pid} that was asked ${state}`,
        );
      }
      return { kind: "no answer" };
    }
    if (status === 200) return { kind: "id", id: String(JSON.parse(text).id) };
    return readRefusal(status, text);
  }

  /** One request of many lines after the other. */
  async #runLines(random: SeededRandom): Promise<void> {
    using http = Deno.createHttpClient({ poolMaxIdlePerHost: 2 });
    while (!this.#isStopping) {
      const sent: Emitted[] = [];
      const lines = () => this.#lines(sent, random);
      let answered = 0;
      try {
        const { current } = random.pick(this.#site.nodes);
        const response = await fetch(`${current.controlOrigin}/emit/`, {
          method: "POST",
          headers: { "Content-Type": "application/x-ndjson" },
          body: ReadableStream.from(lines()),
          client: http,
        });
        if (response.status !== 200) throw new Error(`status ${response.status}`);
        const answers = response.body?.pipeThrough(new TextDecoderStream())
          .pipeThrough(new TextLineStream());
        for await (const answer of answers ?? []) this.#takeLine(sent[answered++], answer);
      } catch {
        // What was not answered may have come.
      }
      for (const event of sent.slice(answered)) this.#account.giveUp(event);
      await this.#pause(random.between(0, 1_000));
    }
  }

  async *#lines(sent: Emitted[], random: SeededRandom): AsyncGenerator<Uint8Array<ArrayBuffer>> {
    const encoder = new TextEncoder();
    for (let line = 0; line < NDJSON_LINES && !this.#isStopping; line++) {
      const event = this.#begin({ name: "", forms: [], pauseMs: 0 }, random);
      sent.push(event);
      const { channel, userId, data } = event;
      const fields = isWrongLine(event) ? { userId, data } : { channel, userId, data };
      yield encoder.encode(JSON.stringify(fields) + "\n");
      await this.#pause(random.between(0, 2 * NDJSON_PAUSE_MS));
    }
  }

  #takeLine(event: Emitted | undefined, answer: string): void {
    if (event === undefined) return this.#account.findings.add(`an answer to no line: ${answer}`);
    const { id, status, error } = JSON.parse(answer);
    if (typeof id === "string") {
      if (isWrongLine(event)) this.#account.findings.add(`a wrong line was answered ${answer}`);
      return this.#account.acknowledge(event, id);
    }
    const refusal = readRefusal(Number(status), String(error));
    if (refusal.kind === "refused" && !isWrongLine(event)) this.#findRefusal("NDJSON", refusal);
    if (refusal.kind === "try again" && !refusal.nothingDone) this.#account.giveUp(event);
    else this.#account.refuse(event);
  }

  async #pause(milliseconds: number): Promise<void> {
    if (this.#isStopping) return;
    let timer: ReturnType<typeof setTimeout> | undefined;
    const over = new Promise<void>((resolve) => timer = setTimeout(resolve, milliseconds));
    await Promise.race([over, this.#stopping.promise]);
    clearTimeout(timer);
  }
}

/** Some lines have no channel. */
function isWrongLine({ number }: Emitted): boolean {
  return number % 50 === 0;
}

function readRefusal(
  status: number,
  text: string,
): Extract<Attempt, { kind: "refused" | "try again" }> {
  if (status !== 503) return { kind: "refused", status, text };
  return { kind: "try again", nothingDone: !/Cannot tell/.test(text) };
}

function bodyOf(
  { channel, userId, data }: Emitted,
  form: Form,
): { readonly body: BodyInit; readonly type?: string } {
  switch (form) {
    case "form":
    case "key of another event":
      return { body: new URLSearchParams({ channel, userId, data }) };
    case "payload": {
      const lines = data.split("\n").map((line) => `data: ${line}`);
      const payload = ["event: message", ...lines].join("\n");
      return { body: new URLSearchParams({ channel, userId, payload }) };
    }
    case "multipart": {
      const body = new FormData();
      for (const [name, value] of Object.entries({ channel, userId, data })) body.set(name, value);
      return { body };
    }
    case "JSON":
      return { body: JSON.stringify({ channel, userId, data }), type: "application/json" };
    case "refused":
      return { body: new URLSearchParams({ userId, data }) };
  }
}
