import type { ChildProcess } from "../../support/child_process.ts";
import { TempDir } from "../../support/temp_dir.ts";
import { killAll, processTree, spawnServer } from "../pinned.ts";
import type { RunningPeer } from "./peer.ts";

const DEADLINE_MS = 15_000;
const POLL_MS = 1;
const STATUS_LENGTH = "HTTP/1.1 200".length;

/** A request whose answer says that the server has started. */
interface Probe {
  readonly address: string;
  readonly path: string;
  /** By default any answer will do. */
  readonly status?: number;
}

/** What a peer's file says of its server for one start. */
export interface Setup extends Pick<RunningPeer, "subscribing" | "publishing"> {
  readonly publishingLines?: RunningPeer["publishingLines"];
  readonly command: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  /** Asked until it answers; some servers answer before they can serve. */
  readonly probe: Probe;
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
  const folder = await TempDir.make();
  const setup = await prepare(folder);
  const begin = performance.now();
  const process = await spawnServer(setup.command, setup.env);
  const end = async () => {
    killAll(await processTree(process.pid));
    await process.exited;
    await folder[Symbol.asyncDispose]();
  };
  try {
    const startMs = await firstAnswer(setup, process, begin) - begin;
    const { subscribing, publishing, publishingLines } = setup;
    return {
      pids: await processTree(process.pid),
      startMs,
      subscribing,
      publishing,
      ...(publishingLines !== undefined && { publishingLines }),
      [Symbol.asyncDispose]: end,
    };
  } catch (error) {
    await end();
    throw error;
  }
}

/** When the server first answered, on the clock of `performance`. */
async function firstAnswer(setup: Setup, process: ChildProcess, begin: number): Promise<number> {
  while (performance.now() - begin < DEADLINE_MS) {
    if (process.status !== undefined) break;
    if (await answers(setup.probe)) return performance.now();
    await new Promise((resolve) => setTimeout(resolve, POLL_MS));
  }
  throw new Error(`${setup.command.join(" ")} did not start; it wrote:\n${process.stderr.text}`);
}

/** One request by hand: `fetch` would take longer to fail than some servers take to start. */
async function answers({ address, path, status }: Probe): Promise<boolean> {
  const [hostname = "", port] = address.split(":");
  try {
    using connection = await Deno.connect({ hostname, port: Number(port) });
    const request = `GET ${path} HTTP/1.1\r\nHost: ${address}\r\nConnection: close\r\n\r\n`;
    await connection.write(new TextEncoder().encode(request));
    const head = new Uint8Array(STATUS_LENGTH);
    const length = await connection.read(head) ?? 0;
    const line = new TextDecoder().decode(head.subarray(0, length));
    return length > 0 && (status === undefined || line.endsWith(` ${status}`));
  } catch {
    return false;
  }
}
