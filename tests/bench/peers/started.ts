import type { ChildProcess } from "../../support/child_process.ts";
import { TempDir } from "../../support/temp_dir.ts";
import { type Cores, killAll, processTree, spawnServer } from "../pinned.ts";
import type { RunningPeer } from "./peer.ts";

const DEADLINE_MS = 15_000;
const POLL_MS = 1;
const STATUS_LENGTH = "HTTP/1.1 200".length;

/** A request whose answer says that the server has started. */
interface HttpProbe {
  readonly address: string;
  readonly path: string;
  /** By default any answer will do. */
  readonly status?: number;
}

/** The same where HTTP is not spoken. */
interface PlainProbe {
  readonly address: string;
  readonly request: string;
  /** Found at the beginning of the answer. */
  readonly answer: string;
}

/** How a program is started. */
export interface Launch {
  readonly command: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  /** By default a core of its own. */
  readonly cores?: Cores;
  /** Asked until it answers; some servers answer before they can serve. */
  readonly probe: HttpProbe | PlainProbe;
}

/** What a peer's file says of its server for one start. */
export interface Setup extends Launch, Pick<RunningPeer, "subscribing" | "publishing"> {
  readonly publishingLines?: RunningPeer["publishingLines"];
}

/** A program that has answered; disposing of it ends all of its processes. */
export interface Started<L extends Launch> extends AsyncDisposable {
  readonly launch: L;
  readonly pids: readonly number[];
  readonly startMs: number;
}

/**
 * Starts a server and waits for its first answer.
 *
 * @param prepare makes the setup; the folder is the server's for as long as it runs.
 * @throws {Error} with its standard error, if it ends instead or does not answer.
 */
export async function startPeer(
  prepare: (folder: TempDir) => Setup | Promise<Setup>,
): Promise<RunningPeer> {
  const { launch, ...started } = await startProgram(prepare);
  const { subscribing, publishing, publishingLines, cores } = launch;
  return {
    ...started,
    subscribing,
    publishing,
    ...(cores !== undefined && { cores }),
    ...(publishingLines !== undefined && { publishingLines }),
  };
}

/**
 * Starts any program in the same way.
 *
 * @param prepare makes the launch; the folder is the program's for as long as it runs.
 * @throws {Error} with its standard error, if it ends instead or does not answer.
 */
export async function startProgram<L extends Launch>(
  prepare: (folder: TempDir) => L | Promise<L>,
): Promise<Started<L>> {
  const folder = await TempDir.make();
  const launch = await prepare(folder);
  const begin = performance.now();
  const process = await spawnServer(launch.command, launch.cores ?? "one each", launch.env);
  const end = async () => {
    killAll(await processTree(process.pid));
    await process.exited;
    await folder[Symbol.asyncDispose]();
  };
  try {
    const startMs = await firstAnswer(launch, process, begin) - begin;
    const pids = await processTree(process.pid);
    return { launch, pids, startMs, [Symbol.asyncDispose]: end };
  } catch (error) {
    await end();
    throw error;
  }
}

/** When the server first answered, on the clock of `performance`. */
async function firstAnswer(launch: Launch, process: ChildProcess, begin: number): Promise<number> {
  while (performance.now() - begin < DEADLINE_MS) {
    if (process.status !== undefined) break;
    if (await answers(launch.probe)) return performance.now();
    await new Promise((resolve) => setTimeout(resolve, POLL_MS));
  }
  throw new Error(`${launch.command.join(" ")} did not start; it wrote:\n${process.stderr.text}`);
}

/** One request by hand: `fetch` would take longer to fail than some servers take to start. */
async function answers(probe: Launch["probe"]): Promise<boolean> {
  const [hostname = "", port] = probe.address.split(":");
  const { request, answer } = "path" in probe ? requestOf(probe) : probe;
  try {
    using connection = await Deno.connect({ hostname, port: Number(port) });
    await connection.write(new TextEncoder().encode(request));
    const head = new Uint8Array(STATUS_LENGTH);
    const length = await connection.read(head) ?? 0;
    const line = new TextDecoder().decode(head.subarray(0, length));
    return length > 0 && line.includes(answer);
  } catch {
    return false;
  }
}

function requestOf({ address, path, status }: HttpProbe): PlainProbe {
  return {
    address,
    request: `GET ${path} HTTP/1.1\r\nHost: ${address}\r\nConnection: close\r\n\r\n`,
    answer: status === undefined ? "" : ` ${status}`,
  };
}
