/**
 * A process of its own: clients that resume all at once, and read as fast as they can.
 *
 * @module
 */
import process from "node:process";

/** What the crowd is asked to do; JSON on standard input. */
export interface CrowdTask {
  /** The client listener, such as `127.0.0.1:8000`. */
  readonly address: string;
  /** One for all. */
  readonly token: string;
  readonly clients: number;
  /** The id of the last event that was there before: a client that has it has been given everything. */
  readonly lastId: string;
  /** How long to wait for all clients. */
  readonly deadlineMs: number;
}

/** What became of one client; times count from when the first of all connected. */
export interface ResumedClient {
  /** Until its first bytes; `null` where none came. */
  readonly firstMs: number | null;
  /** Until it had everything; `null` where it did not get there by the deadline. */
  readonly doneMs: number | null;
  /** The longest time without a byte, from connecting until it had everything. */
  readonly longestPauseMs: number;
  /** Until it had everything, word of a gap among them. */
  readonly events: number;
  readonly bytes: number;
}

/** What the crowd writes to standard output; JSON. */
export interface CrowdReport {
  readonly clients: readonly ResumedClient[];
  /** This process's CPU from the first connection on. */
  readonly cpuSeconds: number;
  /** The same, and what its start took. */
  readonly allCpuSeconds: number;
  readonly seconds: number;
}

/** An id that was sure to be known once is none here: everything there is has to be read. */
const UNKNOWN_ID = "bogus";
const NEWLINE = 10;
const READ_BYTES = 262_144;

/** Counts events and remembers ids without decoding what it is given: it must be faster than any server. */
class EventCounter {
  events = 0;
  /** The newest id that did not lie across two reads. */
  lastId = "";
  /** Bytes of the present line that earlier reads brought. */
  #carried = 0;

  take(bytes: Uint8Array): void {
    let lineStart = 0;
    let idStart = -1;
    let idEnd = -1;
    let end = bytes.indexOf(NEWLINE);
    for (; end >= 0; end = bytes.indexOf(NEWLINE, lineStart)) {
      if (end === lineStart && this.#carried === 0) this.events++;
      else if (this.#carried === 0 && startsWithId(bytes, lineStart)) {
        idStart = lineStart + ID_FIELD.length;
        idEnd = end;
      }
      lineStart = end + 1;
      this.#carried = 0;
    }
    this.#carried += bytes.length - lineStart;
    if (idStart >= 0) this.lastId = decoder.decode(bytes.subarray(idStart, idEnd));
  }
}

const decoder = new TextDecoder();
const encoder = new TextEncoder();
const ID_FIELD = encoder.encode("id: ");

function startsWithId(bytes: Uint8Array, at: number): boolean {
  return ID_FIELD.every((byte, index) => bytes[at + index] === byte);
}

/** One client's whole life. */
async function resume(task: CrowdTask, begin: number): Promise<ResumedClient> {
  const [hostname = "", port] = task.address.split(":");
  const counter = new EventCounter();
  let firstMs: number | null = null;
  let doneMs: number | null = null;
  let bytes = 0;
  let longestPauseMs = 0;
  let last = begin;
  const connection = await Deno.connect({ hostname, port: Number(port) });
  const timer = setTimeout(() => connection.close(), task.deadlineMs);
  try {
    await writeAll(connection, requestFor(task));
    const buffer = new Uint8Array(READ_BYTES);
    while (doneMs === null) {
      const count = await connection.read(buffer);
      if (count === null) break;
      const now = performance.now();
      longestPauseMs = Math.max(longestPauseMs, now - last);
      last = now;
      bytes += count;
      firstMs ??= now - begin;
      counter.take(buffer.subarray(0, count));
      if (counter.lastId >= task.lastId) doneMs = now - begin;
    }
  } catch (error) {
    // The deadline closes the connection under the read.
    if (!(error instanceof Deno.errors.BadResource || error instanceof Deno.errors.Interrupted)) {
      throw error;
    }
  } finally {
    clearTimeout(timer);
  }
  if (doneMs === null) longestPauseMs = Math.max(longestPauseMs, performance.now() - last);
  // Left open where it is whole: the others' ends must not cost the server anything while it works.
  return { firstMs, doneMs, longestPauseMs, events: counter.events, bytes };
}

function requestFor({ address, token }: CrowdTask): Uint8Array {
  return encoder.encode(
    [
      "GET /events/ HTTP/1.1",
      `Host: ${address}`,
      "Accept: text/event-stream",
      `Authorization: Bearer ${token}`,
      `Last-Event-ID: ${UNKNOWN_ID}`,
      "\r\n",
    ].join("\r\n"),
  );
}

async function writeAll(connection: Deno.Conn, bytes: Uint8Array): Promise<void> {
  for (let left = bytes; left.length > 0;) left = left.subarray(await connection.write(left));
}

function cpuSeconds(before?: NodeJS.CpuUsage): number {
  const { user, system } = process.cpuUsage(before);
  return (user + system) / 1e6;
}

async function main(): Promise<CrowdReport> {
  const task = await new Response(Deno.stdin.readable).json() as CrowdTask;
  const cpuBefore = process.cpuUsage();
  const begin = performance.now();
  const clients = await Promise.all(
    Array.from({ length: task.clients }, () => resume(task, begin)),
  );
  return {
    clients,
    cpuSeconds: cpuSeconds(cpuBefore),
    allCpuSeconds: cpuSeconds(),
    seconds: (performance.now() - begin) / 1000,
  };
}

if (import.meta.main) {
  await Deno.stdout.write(encoder.encode(JSON.stringify(await main())));
  Deno.exit(0);
}
