import type { Broker, Outcome, Publication } from "../hub/broker.ts";
import type { Logger } from "../parts/logger.ts";
import { concatBytes } from "../words/bytes.ts";
import { TooLarge } from "../words/errors.ts";
import { readEmit } from "../words/requests.ts";
import { describeError } from "./answer.ts";
import { maxBodyBytes, readJsonFields } from "./body.ts";

/** What publishing a stream of lines works with. */
export interface NdjsonParts {
  readonly broker: Broker;
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
  parts: NdjsonParts,
): ReadableStream<Uint8Array> {
  const run = new LineRun(parts);
  const encoder = new TextEncoder();
  const encode = (answers: readonly object[], controller: Controller) => {
    if (answers.length === 0) return;
    controller.enqueue(
      encoder.encode(
        answers.map((answer) => JSON.stringify(answer) + "\n").join(""),
      ),
    );
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

/** One body's lines: those that came together are published together. */
class LineRun {
  readonly #parts: NdjsonParts;
  readonly #maxLineBytes: number;
  #line = 0;
  #unfinished: Uint8Array[] = [];
  #unfinishedBytes = 0;

  constructor(parts: NdjsonParts) {
    this.#parts = parts;
    this.#maxLineBytes = maxBodyBytes(parts.maxPayloadBytes);
  }

  async take(chunk: Uint8Array): Promise<readonly object[]> {
    const lines: (Uint8Array | undefined)[] = [];
    let start = 0;
    for (
      let end = chunk.indexOf(NEWLINE);
      end >= 0;
      end = chunk.indexOf(NEWLINE, start)
    ) {
      this.#keep(chunk.subarray(start, end));
      lines.push(this.#finishLine());
      start = end + 1;
    }
    // A copy of what outlives the chunk, which is a view on a buffer of the runtime's that is many
    // times larger.
    this.#keep(chunk.slice(start));
    return await this.#publish(lines);
  }

  async finish(): Promise<readonly object[]> {
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

  #finishLine(): Uint8Array | undefined {
    const parts = this.#unfinished;
    const tooLong = this.#unfinishedBytes > this.#maxLineBytes;
    this.dropUnfinished();
    if (tooLong) return undefined;
    return parts.length === 1 ? parts[0] : concatBytes(parts);
  }

  async #publish(
    lines: readonly (Uint8Array | undefined)[],
  ): Promise<readonly object[]> {
    const publications: Publication[] = [];
    const plans: { readonly line: number; readonly error?: string }[] = [];
    const decoder = new TextDecoder();
    for (const bytes of lines) {
      const line = ++this.#line;
      const text = bytes === undefined ? undefined : decoder.decode(bytes).trim();
      if (text === "") continue;
      try {
        if (text === undefined) {
          throw new TooLarge("Line too large (-max-payload).");
        }
        publications.push(
          readEmit(readJsonFields(text), this.#parts.maxPayloadBytes),
        );
        plans.push({ line });
      } catch (error) {
        plans.push({ line, error: describeError(error, this.#parts.logger) });
      }
    }
    const outcomes = (await this.#parts.broker.publish(publications)).values();
    return plans.map((plan) => "error" in plan ? plan : this.#answer(plan.line, outcomes));
  }

  #answer(line: number, outcomes: Iterator<Outcome>): object {
    const outcome = outcomes.next().value;
    if (outcome instanceof Error) {
      return { line, error: describeError(outcome, this.#parts.logger) };
    }
    return { line, ...outcome };
  }
}
