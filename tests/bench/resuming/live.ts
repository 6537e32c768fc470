/**
 * A process of its own: clients at the head, and emits to them one after the other, until SIGTERM.
 *
 * @module
 */
import process from "node:process";
import { TextLineStream } from "../../support/lines.ts";

/** What to emit, and for whom; JSON on standard input. */
export interface LiveTask {
  readonly clientAddress: string;
  readonly controlAddress: string;
  /** Of all clients at the head. */
  readonly token: string;
  readonly clients: number;
  /** Heard by all of them. */
  readonly channel: string;
  /** Between an answer and the next emit: emits without a pause would be the load themselves. */
  readonly pauseMs: number;
  /** How long to wait, at the end, for what the clients have not got. */
  readonly drainMs: number;
}

/** What was seen; JSON on standard output, after a line {@link READY}. */
export interface LiveReport {
  /** How long each emit took, without those before {@link READY}. */
  readonly emitMs: readonly number[];
  /** From an emit to its receipt by the last of the clients; the deadline's where some never got it. */
  readonly headMs: readonly number[];
  /** Deliveries of answered emits that never came. */
  readonly lost: number;
  /** Emits that were refused. */
  readonly refused: number;
  readonly cpuSeconds: number;
}

/** Written as soon as everything is under way. */
export const READY = "ready";

const WARM_UP = 200;
const encoder = new TextEncoder();

/** An event on its way to all clients. */
interface Emitted {
  readonly begin: number;
  isRefused: boolean;
  emitMs: number;
  receipts: number;
  lastMs: number;
}

class Live {
  readonly #task: LiveTask;
  readonly #emitted: Emitted[] = [];

  constructor(task: LiveTask) {
    this.#task = task;
  }

  /** Opens a client's stream and reads it for ever. */
  async listen(): Promise<void> {
    const response = await fetch(`http://${this.#task.clientAddress}/events/`, {
      headers: { Accept: "text/event-stream", Authorization: `Bearer ${this.#task.token}` },
    });
    if (response.status !== 200 || response.body === null) {
      throw new Error(`a client at the head was answered ${response.status}`);
    }
    this.#read(response.body);
  }

  async #read(body: ReadableStream<Uint8Array<ArrayBuffer>>): Promise<void> {
    const lines = body.pipeThrough(new TextDecoderStream()).pipeThrough(new TextLineStream());
    for await (const line of lines) {
      if (!line.startsWith("data: ")) continue;
      const event = this.#emitted[Number(line.slice("data: ".length))];
      if (event === undefined) continue;
      event.receipts++;
      event.lastMs = performance.now() - event.begin;
    }
  }

  async emitOne(): Promise<void> {
    const { controlAddress, channel } = this.#task;
    const event: Emitted = {
      begin: performance.now(),
      isRefused: false,
      emitMs: 0,
      receipts: 0,
      lastMs: 0,
    };
    this.#emitted.push(event);
    const data = String(this.#emitted.length - 1);
    const response = await fetch(`http://${controlAddress}/emit/`, {
      method: "POST",
      body: new URLSearchParams({ userId: "*", channel, data }),
    });
    await response.body?.cancel();
    event.isRefused = !response.ok;
    event.emitMs = performance.now() - event.begin;
  }

  async pause(): Promise<void> {
    await new Promise((resolve) => setTimeout(resolve, this.#task.pauseMs));
  }

  /** Waits for what is still under way, and counts. */
  async report(cpuSeconds: () => number): Promise<LiveReport> {
    const { clients, drainMs } = this.#task;
    const giveUpAt = performance.now() + drainMs;
    const late = () =>
      this.#emitted.filter(({ isRefused, receipts }) => !isRefused && receipts < clients);
    while (late().length > 0 && performance.now() < giveUpAt) await this.pause();
    const counted = this.#emitted.slice(WARM_UP);
    return {
      emitMs: counted.map(({ emitMs }) => emitMs),
      headMs: counted.filter(({ isRefused }) => !isRefused).map((event) =>
        event.receipts < clients ? performance.now() - event.begin : event.lastMs
      ),
      lost: late().reduce((sum, { receipts }) => sum + clients - receipts, 0),
      refused: this.#emitted.filter(({ isRefused }) => isRefused).length,
      cpuSeconds: cpuSeconds(),
    };
  }
}

async function main(): Promise<LiveReport> {
  const task = await new Response(Deno.stdin.readable).json() as LiveTask;
  let stopped = false;
  Deno.addSignalListener("SIGTERM", () => stopped = true);
  const live = new Live(task);
  await Promise.all(Array.from({ length: task.clients }, () => live.listen()));
  for (let warm = 0; warm < WARM_UP; warm++) await live.emitOne();
  const cpuBefore = process.cpuUsage();
  await Deno.stdout.write(encoder.encode(`${READY}\n`));
  while (!stopped) {
    await live.emitOne();
    await live.pause();
  }
  return await live.report(() => {
    const { user, system } = process.cpuUsage(cpuBefore);
    return (user + system) / 1e6;
  });
}

if (import.meta.main) {
  await Deno.stdout.write(encoder.encode(JSON.stringify(await main()) + "\n"));
  Deno.exit(0);
}
