import type { Outcome, Publication } from "../../broker/broker.ts";
import type { Hub } from "../../hub/hub.ts";
import type { Logger } from "../../observability/logger.ts";
import { concatBytes } from "../../lib/bytes.ts";
import { type HttpError, TooLarge } from "../../lib/errors.ts";
import { readEmit } from "../../requests/emit_request.ts";
import { toHttpError } from "../answers.ts";
import { maxBodyBytes, readJsonFields } from "../body.ts";

/** What publishing works with. */
export interface PublishDeps {
  readonly hub: Hub;
  readonly logger: Logger;
  readonly maxPayloadBytes: number;
}

/**
 * Answers may wait for a publisher that does not read while it sends, as far as the runtime goes on
 * taking its lines: Deno 2.9.6 stops doing so once the answers fill the socket.
 */
const MAX_WAITING_ANSWER_BYTES = 16_777_216;

const NEWLINE = 10;

/** Publishes each line of a body as it comes, and streams one line of answer for each, in order. */
export function publishLines(
  body: ReadableStream<Uint8Array>,
  deps: PublishDeps,
): ReadableStream<Uint8Array> {
  const run = new LineRun(deps);
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

/** A line's text; `undefined` for one that is too long. */
type Line = string | undefined;

/** One body's lines: those that came together are published together. */
class LineRun {
  readonly #decoder = new TextDecoder();
  readonly #deps: PublishDeps;
  readonly #maxLineBytes: number;
  #line = 0;
  #unfinished: Uint8Array[] = [];
  #unfinishedBytes = 0;

  constructor(deps: PublishDeps) {
    this.#deps = deps;
    this.#maxLineBytes = maxBodyBytes(deps.maxPayloadBytes);
  }

  /** Answers, each with its line end, for the lines that end in this chunk. */
  async take(chunk: Uint8Array): Promise<readonly string[]> {
    const end = chunk.lastIndexOf(NEWLINE);
    const lines = end < 0 ? [] : this.#finishLines(chunk.subarray(0, end));
    // A copy of what outlives the chunk, which is a view on a buffer of the runtime's that is many
    // times larger.
    this.#keep(chunk.slice(end + 1));
    return await this.#publish(lines);
  }

  async finish(): Promise<readonly string[]> {
    return this.#unfinishedBytes === 0 ? [] : await this.#publish([this.#finishLine()]);
  }

  /** Forgets a line whose end will not come. */
  dropUnfinished(): void {
    this.#unfinished = [];
    this.#unfinishedBytes = 0;
  }

  /** Collects a line's bytes; of one that is too long, only that it is. */
  #keep(bytes: Uint8Array): void {
    this.#unfinishedBytes += bytes.length;
    if (this.#unfinishedBytes <= this.#maxLineBytes) {
      this.#unfinished.push(bytes);
    } else this.#unfinished = [];
  }

  /** The lines that end with these bytes, whose last line end is left out. */
  #finishLines(bytes: Uint8Array): readonly Line[] {
    if (this.#unfinishedBytes + bytes.length <= this.#maxLineBytes) {
      // None can be too long: to decode them all at once takes a fraction of the time.
      this.#keep(bytes);
      return this.#finishLine()?.split("\n") ?? [];
    }
    const lines: Line[] = [];
    let start = 0;
    while (start <= bytes.length) {
      const next = bytes.indexOf(NEWLINE, start);
      const end = next < 0 ? bytes.length : next;
      this.#keep(bytes.subarray(start, end));
      lines.push(this.#finishLine());
      start = end + 1;
    }
    return lines;
  }

  #finishLine(): Line {
    const parts = this.#unfinished;
    const tooLong = this.#unfinishedBytes > this.#maxLineBytes;
    this.dropUnfinished();
    return tooLong ? undefined : this.#decoder.decode(concatBytes(parts));
  }

  async #publish(lines: readonly Line[]): Promise<readonly string[]> {
    const publications: Publication[] = [];
    const plans: { readonly line: number; readonly failed?: HttpError }[] = [];
    for (const text of lines) {
      const line = ++this.#line;
      if (text?.trim() === "") continue;
      try {
        if (text === undefined) {
          throw new TooLarge("Line too large (-max-payload).");
        }
        publications.push(
          readEmit(readJsonFields(text.trim()), this.#deps.maxPayloadBytes),
        );
        plans.push({ line });
      } catch (error) {
        plans.push({ line, failed: toHttpError(error, this.#deps.logger) });
      }
    }
    const outcomes = (await this.#publishAll(publications)).values();
    return plans.map(({ line, failed }) =>
      failed === undefined ? this.#answer(line, outcomes) : answerFailure(line, failed)
    );
  }

  /** Answers each publication, also where the broker fails in a way that nobody foresaw. */
  async #publishAll(publications: readonly Publication[]): Promise<readonly Outcome[]> {
    try {
      return await this.#deps.hub.publish(publications);
    } catch (error) {
      const failure = toHttpError(error, this.#deps.logger);
      return publications.map(() => failure);
    }
  }

  #answer(line: number, outcomes: Iterator<Outcome>): string {
    const outcome: Outcome = outcomes.next().value;
    if (outcome instanceof Error) {
      return answerFailure(line, toHttpError(outcome, this.#deps.logger));
    }
    const { id, subscribers } = outcome;
    // By hand: making an object of them for JSON.stringify would take three times as long.
    return `{"line":${line},"id":${JSON.stringify(id)},"subscribers":${subscribers}}\n`;
  }
}

function answerFailure(line: number, { message, status }: HttpError): string {
  return JSON.stringify({ line, error: message, status }) + "\n";
}
