/**
 * Rows about Redis as the log of several servers: what it costs next to memory, and what each further
 * server adds. All of them share one core with Redis, so that none can gain anything by its number.
 *
 * @module
 */
import { type Load, putLoad } from "../load.ts";
import { type Role, serversOnRedis } from "../peers/on_redis.ts";
import type { Peer, RunningPeer } from "../peers/peer.ts";
import { thisServer } from "../peers/this_server.ts";
import { cpuSeconds, untilQuiet } from "../process_cpu.ts";
import { flatOut, nowAndThen, together } from "./fan_out.ts";
import { limit } from "./goals.ts";
import { contestant, figure, FIGURES, measuredOf, publishingOf, type ShapeAt } from "./load_row.ts";
import { emitsUnheard, inLines, LINES, nobody } from "./publishing.ts";
import type { Contestant, Figure, Row } from "./row.ts";

/** Memory first: it is what the others are compared with. */
const peers = [thisServer, serversOnRedis(1), serversOnRedis(2), serversOnRedis(3)];

/** Everybody's CPU per event, and whose it is. */
const CPU_FIGURES: readonly Figure[] = [
  FIGURES.cpuPerEvent,
  cpuFigure("redis", "of it Redis"),
  cpuFigure("publisher", "server published to"),
  cpuFigure("follower", "2nd server"),
  cpuFigure("secondFollower", "3rd server"),
];

function cpuFigure(role: Role, title: string): Figure {
  return figure(keyOf(role), title, "µs", "less");
}

function keyOf(role: string): string {
  return `${role}Cpu`;
}

/** Publishes to nobody, twice; the second time tells who used the CPU. */
function publishing(peer: Peer, shapeAt: ShapeAt, lines?: number): Contestant {
  return {
    label: peer.name,
    peer,
    measure: async (size) => {
      const shape = { ...shapeAt(size), ...(lines !== undefined && { lines }) };
      await using running = await peer.start(nobody());
      const put = () => putLoad(running, shape, publishingOf(running, lines));
      // The code is compiled, and history filled, before anything is counted.
      const first = measuredOf(await put());
      const { load, cpu, isQuiet } = await accountedFor(running, put);
      const second = measuredOf(load);
      return {
        values: { ...second.values, ...perEvent(cpu, load.published) },
        broken: [...first.broken, ...second.broken],
        doubts: [...second.doubts, ...(isQuiet ? [] : ["it was at work long after the load"])],
      };
    },
  };
}

/** Puts load on servers that are at rest, and waits for those that follow, which may still be behind. */
async function accountedFor(running: RunningPeer, put: () => Promise<Load>) {
  await untilQuiet(running.pids);
  const before = await cpuByRole(running);
  const load = await put();
  const isQuiet = await untilQuiet(running.pids);
  const after = await cpuByRole(running);
  const cpu = [...after].map(([role, seconds]) =>
    [role, seconds - (before.get(role) ?? 0)] as const
  );
  return { load, cpu, isQuiet };
}

/** Seconds of CPU so far; without roles, everything is the server that is published to. */
async function cpuByRole({ pids, pidsByRole }: RunningPeer): Promise<ReadonlyMap<string, number>> {
  const roles = Object.entries(pidsByRole ?? { publisher: pids });
  const seconds = await Promise.all(roles.map(([, pids]) => cpuSeconds(pids)));
  return new Map(roles.map(([role], index) => [role, seconds[index] ?? 0]));
}

function perEvent(cpu: readonly (readonly [role: string, seconds: number])[], events: number) {
  const all = cpu.reduce((sum, [, seconds]) => sum + seconds, 0);
  return {
    cpuPerEvent: all * 1e6 / events,
    ...Object.fromEntries(cpu.map(([role, seconds]) => [keyOf(role), seconds * 1e6 / events])),
  };
}

/** How soon a lone event is there. */
export const redis: Row = {
  name: "redis",
  title: "one event through Redis to 1 subscriber, of another server if any",
  figures: [FIGURES.p50, FIGURES.p99, FIGURES.cpuPerDelivery],
  contestants: peers.map((peer) => contestant(peer, together, nowAndThen)),
  goals: [],
};

/** What taking an event costs, and following it, without any delivery. */
export const redisEmits: Row = {
  name: "redis-emits",
  title: "emits on Redis with nobody listening, 16 keep-alive connections",
  figures: [FIGURES.events, ...CPU_FIGURES],
  contestants: peers.map((peer) => publishing(peer, emitsUnheard)),
  goals: [
    limit(
      "1 server: at least 20,000 emits/s, one a request",
      "events",
      (value) => value >= 20_000,
      serversOnRedis(1).name,
    ),
  ],
};

/** The same with many events in a request. */
export const redisNdjson: Row = {
  name: "redis-ndjson",
  title: "NDJSON on Redis with nobody listening, 1,000 events a request",
  figures: [FIGURES.events, ...CPU_FIGURES],
  contestants: peers.map((peer) => publishing(peer, inLines(emitsUnheard), LINES)),
  goals: [],
};

/** How much is got out to subscribers of all servers. */
export const redisFanOut: Row = {
  name: "redis-fan-out",
  title: "1,000 subscribers of servers on Redis, one publisher flat out",
  figures: [FIGURES.deliveries, FIGURES.events, FIGURES.cpuPerDelivery, FIGURES.p50, FIGURES.p99],
  contestants: peers.map((peer) => contestant(peer, together, flatOut)),
  goals: [],
};
