import { lastingPort } from "../../support/lasting_ports.ts";
import { findProgram } from "../../support/tools.ts";
import { textOf } from "../ask.ts";
import { type Launch, type Started, startProgram } from "./started.ts";

/** Why there is no Redis on this machine; `undefined` where there is. */
export function absenceOfRedis(): string | undefined {
  return findProgram("redis-server") === undefined ? "redis-server is not installed" : undefined;
}

/** Which Redis it is. */
export async function redisVersion(): Promise<string> {
  const words = await textOf(findProgram("redis-server") ?? "", ["--version"]);
  return `redis-server ${/\bv=(\S+)/.exec(words ?? "")?.[1] ?? "of no known version"}`;
}

/** How Redis is started, and what servers are given to reach it. */
export interface RedisLaunch extends Launch {
  /** The value of `-store`. */
  readonly url: string;
}

/** Starts an empty Redis on the servers' core, which writes to its append-only file each second. */
export function startRedis(): Promise<Started<RedisLaunch>> {
  return startProgram((folder) => {
    const port = lastingPort();
    const address = `127.0.0.1:${port}`;
    return {
      command: [
        ...[findProgram("redis-server") ?? "", "--port", String(port), "--bind", "127.0.0.1"],
        ...["--dir", folder.path, "--save", "", "--appendonly", "yes"],
        ...["--appendfsync", "everysec"],
        // A rewrite of the file would fall into some runs and not into others.
        ...["--auto-aof-rewrite-percentage", "0"],
      ],
      probe: { address, request: "PING\r\n", answer: "+PONG" },
      url: `redis://${address}/0`,
    };
  });
}
