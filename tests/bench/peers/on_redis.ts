import type { Peer, RunningPeer, Subscription } from "./peer.ts";
import { absenceOfRedis, redisVersion, startRedis } from "./redis.ts";
import { startThisServer, thisServer } from "./this_server.ts";

/** What each process of {@link serversOnRedis} does, in the order in which the servers are started. */
const SERVER_ROLES = ["publisher", "follower", "secondFollower"] as const;

/** One of them, or Redis itself. */
export type Role = "redis" | typeof SERVER_ROLES[number];

/**
 * One to three of this server with one Redis as their store, all on one core.
 *
 * The first is published to. The subscribers are dealt out beginning with the second, so that a single
 * one hears of every event from another server than the publisher's, where there are several.
 */
export function serversOnRedis(count: 1 | 2 | 3): Peer {
  return {
    name: count === 1 ? "1 server on Redis" : `${count} servers on Redis`,
    isOurs: true,
    absence: () => Promise.resolve(absenceOfRedis()),
    version: async () => `${await thisServer.version()}, ${await redisVersion()}`,
    start: (subscription) => startAll(count, subscription),
  };
}

async function startAll(count: number, subscription: Subscription): Promise<RunningPeer> {
  await using started = new AsyncDisposableStack();
  const redis = started.use(await startRedis());
  const first = started.use(await startThisServer(subscription, ["-store", redis.launch.url]));
  const others: RunningPeer[] = [];
  while (others.length < count - 1) {
    others.push(started.use(await startThisServer(subscription, ["-store", redis.launch.url])));
  }
  const all = started.move();
  const servers = [first, ...others];
  return {
    pids: [redis, ...servers].flatMap(({ pids }) => pids),
    pidsByRole: {
      redis: redis.pids,
      ...Object.fromEntries(servers.map(({ pids }, index) => [SERVER_ROLES[index], pids])),
    },
    startMs: first.startMs,
    subscribing: { ...first.subscribing, ...addressesOf([...others, first]) },
    publishing: first.publishing,
    ...(first.publishingLines !== undefined && { publishingLines: first.publishingLines }),
    [Symbol.asyncDispose]: () => all.disposeAsync(),
  };
}

function addressesOf(servers: readonly RunningPeer[]) {
  const [address = "", ...otherAddresses] = servers.map(({ subscribing }) => subscribing.address);
  return { address, otherAddresses };
}
