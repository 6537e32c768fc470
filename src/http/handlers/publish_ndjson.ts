import type { Broker, Outcome, Receipt } from "../../broker/broker.ts";
import type { Logger } from "../../observability/logger.ts";
import type { EmitTarget, RefusedEmits } from "../../explain/refused_emits.ts";
import { type HttpError, TooManyEmits } from "../../lib/errors.ts";
import { type EmitRequest, readEmit } from "../../requests/emit_request.ts";
import type { Fields } from "../../requests/fields.ts";
import { toHttpError } from "../answers.ts";
import { readJsonFields } from "../body.ts";
import type { BodyLimits } from "../body_limits.ts";
import type { Caller } from "../caller.ts";
import type { EmitRates } from "../emit_rates.ts";
import { type Line, LineReader } from "../line_reader.ts";
import type { EmitNotes, EmitNotesDeps } from "./emit_notes.ts";

/** What publishing works with. */
export interface PublishDeps extends EmitNotesDeps {
  readonly broker: Broker;
  readonly logger: Logger;
  readonly maxPayloadBytes: number;
  readonly bodyLimits: BodyLimits;
  /** Default: no limit. */
  readonly emitRates?: EmitRates | undefined;
  readonly refusedEmits: RefusedEmits;
}

/** What an emit is about, as far as its fields say. */
export function emitTargetOf(fields: Fields | undefined): EmitTarget {
  return { channel: fields?.all("channel")[0], user: fields?.all("userId")[0] };
}

/**
 * Answers may wait for a publisher that does not read while it sends, as far as the runtime goes on
 * taking its lines: Deno 2.9.6 stops doing so once the answers fill the socket.
 */
const MAX_WAITING_ANSWER_BYTES = 16_777_216;

/**
 * Publishes each line of a body as it comes, and streams one line of answer for each, in order. A line
 * that the caller may not emit, or for which it emits too fast, is answered as one that is wrong.
 */
export function publishLines(
  body: ReadableStream<Uint8Array>,
  caller: Caller,
  deps: PublishDeps,
  notes: EmitNotes,
): ReadableStream<Uint8Array> {
  const run = new LineRun(caller, deps, notes);
  const encoder = new TextEncoder();
  const encode = (answers: readonly string[], controller: Controller) => {
    if (answers.length > 0) controller.enqueue(encoder.encode(answers.join("")));
  };
  const { readable, writable } = new TransformStream<Uint8Array, Uint8Array>(
    {
      transform: async (chunk, controller) => encode(await run.take(chunk), controller),
      flush: async (controller) => encode(await run.finish(), controller),
    },
    undefined,
    {
      highWaterMark: MAX_WAITING_ANSWER_BYTES,
      size: (chunk) => chunk.length,
    },
  );
  // The runtime prints what a response's body fails with, but a publisher that breaks off is no
  // failure of the server's: the answers end then, without one for the line that was cut.
  body.pipeTo(writable, { preventAbort: true }).catch(() => {
    run.dropUnfinished();
    return writable.close();
  }).catch(() => {
    // Nobody reads the answers any more.
  });
  return readable;
}

type Controller = TransformStreamDefaultController<Uint8Array>;

/** What becomes of a line. */
interface LinePlan {
  readonly line: number;
  readonly emit: EmitRequest | HttpError;
  readonly target?: EmitTarget;
}

/** One body's lines: those that came together are published together. */
class LineRun {
  readonly #caller: Caller;
  readonly #deps: PublishDeps;
  readonly #notes: EmitNotes;
  readonly #reader: LineReader;
  #line = 0;

  constructor(caller: Caller, deps: PublishDeps, notes: EmitNotes) {
    this.#caller = caller;
    this.#deps = deps;
    this.#notes = notes;
    this.#reader = new LineReader(deps.bodyLimits);
  }

  /** Answers, each with its line end, for the lines that end in this chunk. */
  take(chunk: Uint8Array): Promise<readonly string[]> {
    return this.#publish(this.#reader.take(chunk));
  }

  finish(): Promise<readonly string[]> {
    return this.#publish(this.#reader.finish());
  }

  /** Forgets a line whose end will not come. */
  dropUnfinished(): void {
    this.#reader.drop();
  }

  #publish(lines: readonly Line[]): Promise<readonly string[]> {
    const plans: LinePlan[] = [];
    for (const content of lines) {
      const plan = this.#plan(++this.#line, content);
      if (plan !== undefined) plans.push(plan);
    }
    return this.#settle(plans);
  }

  /** `undefined` for an empty line, which gets no answer. */
  #plan(line: number, content: Line): LinePlan | undefined {
    const text = typeof content === "string" ? content.trim() : content;
    if (text === "") return undefined;
    const { bodyLimits, emitRates, maxPayloadBytes, logger } = this.#deps;
    let fields: Fields | undefined;
    try {
      if (typeof text !== "string") throw text;
      emitRates?.check(this.#caller);
      fields = readJsonFields(text, bodyLimits);
      const emit = readEmit(fields, maxPayloadBytes);
      this.#caller.requireFor("emit", [emit.channel]);
      emitRates?.take(this.#caller, emit.drafts.length);
      return { line, emit };
    } catch (error) {
      return { line, emit: toHttpError(error, logger), target: emitTargetOf(fields) };
    }
  }

  /** Publishes the emits, and answers every line. */
  async #settle(plans: readonly LinePlan[]): Promise<readonly string[]> {
    if (plans.length === 0) return [];
    const emits: EmitRequest[] = [];
    for (const { emit } of plans) if (!(emit instanceof Error)) emits.push(emit);
    const outcomes = (await this.#publishAll(emits)).values();
    const answers: string[] = [];
    for (const { line, emit, target } of plans) {
      const answered = emit instanceof Error
        ? this.#refusal(line, emit, target)
        : this.#answer(line, emit, outcomes);
      answers.push(typeof answered === "string" ? answered : await answered);
    }
    return answers;
  }

  /** Answers each emit, also where the broker fails in a way that nobody foresaw. */
  async #publishAll(emits: readonly EmitRequest[]): Promise<readonly Outcome[]> {
    try {
      return await this.#deps.broker.publish(emits);
    } catch (error) {
      const failure = toHttpError(error, this.#deps.logger);
      return emits.map(() => failure);
    }
  }

  #answer(
    line: number,
    emit: EmitRequest,
    outcomes: Iterator<Outcome, undefined>,
  ): string | Promise<string> {
    const outcome = outcomes.next().value;
    if (outcome === undefined || outcome instanceof Error) {
      return this.#refusal(line, toHttpError(outcome, this.#deps.logger), emit);
    }
    const noted = this.#notes.on(emit, outcome, this.#caller);
    if (noted === undefined) return formatReceipt(line, outcome);
    return noted.then((note) => formatReceipt(line, outcome, note));
  }

  #refusal(line: number, error: HttpError, target?: EmitTarget): string {
    const { name, message, reason, status } = error;
    this.#deps.refusedEmits.note(error, this.#caller.keyName, target);
    this.#deps.activity.notice?.("line refused", { line, status, error: name, reason });
    const when = error instanceof TooManyEmits
      ? { retryAfterSeconds: error.retryAfterSeconds }
      : undefined;
    return JSON.stringify({ line, error: message, status, ...when }) + "\n";
  }
}

function formatReceipt(line: number, { id, subscribers }: Receipt, note?: string): string {
  const more = note === undefined ? "" : `,"note":${JSON.stringify(note)}`;
  // By hand: making an object of them for JSON.stringify would take three times as long.
  return `{"line":${line},"id":${JSON.stringify(id)},"subscribers":${subscribers}${more}}\n`;
}
