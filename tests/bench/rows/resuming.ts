/**
 * Rows in which many clients resume at once from a place that is not known, so that all of history is
 * read for each, while events go on being emitted to clients at the head.
 *
 * @module
 */
import { makeToken } from "../../support/jwt.ts";
import { peakResidentBytes, residentBytes } from "../../support/process_memory.ts";
import { TempDir } from "../../support/temp_dir.ts";
import { serversOnRedis } from "../peers/on_redis.ts";
import type { RunningPeer } from "../peers/peer.ts";
import { startRedis } from "../peers/redis.ts";
import { startThisServer, thisServer } from "../peers/this_server.ts";
import { SECRET } from "../peers/tokens.ts";
import { busySeconds } from "../machine.ts";
import { cpuSeconds } from "../process_cpu.ts";
import type { CrowdReport } from "../resuming/crowd.ts";
import { channelNames, eventsIn, fill } from "../resuming/history.ts";
import type { LiveReport } from "../resuming/live.ts";
import { runCrowd, startLive } from "../resuming/processes.ts";
import { quantile } from "../statistics.ts";
import { limit } from "./goals.ts";
import { doubtsAboutOthers, figure } from "./load_row.ts";
import { nobody } from "./publishing.ts";
import { type Contestant, type Goal, type Measured, type Row, type Size, THIS } from "./row.ts";

/** Where history is kept. */
type StoreKind = "memory" | "sqlite" | "redis";

const LABELS: Readonly<Record<StoreKind, string>> = {
  memory: THIS,
  sqlite: "this server on SQLite",
  redis: "1 server on Redis",
};

/** What a row is about. */
interface Shape {
  /** In one token; all of them hold as much of history. */
  readonly channels: number;
  readonly clients: number;
  readonly historyBytes: number;
  readonly liveClients: number;
}

const FULL_HISTORY_BYTES = 16 * 1_048_576;
/** Far more than a server takes that does not stop for anybody. */
const DEADLINE_MS = 60_000;
const LIVE_PAUSE_MS = 2;
/** Past this share of its core the crowd may be the limit. */
const CROWD_ALLOWED = 0.9;

/** Nothing is dropped meanwhile, so that every client has the same to read, however long it takes. */
const RETAIN_ALL = ["-history-events", "1000000", "-history-bytes", "134217728"];

function resuming(shapeAt: (size: Size) => Shape, store: StoreKind): Contestant {
  return {
    label: LABELS[store],
    peer: store === "redis" ? serversOnRedis(1) : thisServer,
    measure: async (size) => {
      const shape = shapeAt(size);
      await using started = await startFilled(store, shape);
      return await measure(started, shape);
    },
  };
}

interface Filled extends AsyncDisposable {
  readonly server: RunningPeer;
  /** The server's, and those of what keeps its history. */
  readonly pids: readonly number[];
  readonly lastId: string;
}

/** What outlives a process is read by another than wrote it, as after a restart, when everybody resumes. */
async function startFilled(store: StoreKind, shape: Shape): Promise<Filled> {
  await using stack = new AsyncDisposableStack();
  const redis = store === "redis" ? stack.use(await startRedis()) : undefined;
  const folder = stack.use(await TempDir.make());
  const where = redis?.launch.url ?? (store === "sqlite" ? `sqlite:${folder.join("db")}` : store);
  const flags = ["-store", where, ...RETAIN_ALL, "-max-channels-per-token", String(shape.channels)];
  const start = () => startThisServer(nobody(), flags);
  const events = eventsIn(shape.historyBytes);
  const fillIt = (server: RunningPeer) =>
    fill(server.publishing.address, channelNames(shape.channels), events);

  let server: RunningPeer;
  let lastId: string;
  if (store === "memory") {
    server = stack.use(await start());
    lastId = await fillIt(server);
  } else {
    {
      await using writer = await start();
      lastId = await fillIt(writer);
    }
    server = stack.use(await start());
  }
  const all = stack.move();
  return {
    server,
    pids: [...server.pids, ...redis?.pids ?? []],
    lastId,
    [Symbol.asyncDispose]: () => all.disposeAsync(),
  };
}

async function measure({ server, pids, lastId }: Filled, shape: Shape): Promise<Measured> {
  const [liveChannel = "", ...otherChannels] = channelNames(shape.channels);
  const [serverPid = 0] = server.pids;
  const live = await startLive({
    clientAddress: server.subscribing.address,
    controlAddress: server.publishing.address,
    token: tokenFor([liveChannel, ...otherChannels.slice(0, 9)]),
    clients: shape.liveClients,
    channel: liveChannel,
    pauseMs: LIVE_PAUSE_MS,
    drainMs: DEADLINE_MS,
  });
  await using _ = live;
  const rssBefore = await residentBytes(serverPid);
  const begin = performance.now();
  const [busyBefore, cpuBefore] = await Promise.all([busySeconds(), cpuSeconds(pids)]);
  const crowd = await runCrowd({
    address: server.subscribing.address,
    token: tokenFor(channelNames(shape.channels)),
    clients: shape.clients,
    lastId,
    deadlineMs: DEADLINE_MS,
  });
  const report = await live.stop();
  const [busy, cpu] = await Promise.all([busySeconds(), cpuSeconds(pids)]);
  const known = cpu - cpuBefore + crowd.allCpuSeconds + report.cpuSeconds;
  const seconds = (performance.now() - begin) / 1000;
  const otherCores = Math.max(0, (busy - busyBefore - known) / seconds);
  const growth = await peakResidentBytes(serverPid) - rssBefore;
  return measuredOf(crowd, report, growth, otherCores, eventsIn(shape.historyBytes));
}

function tokenFor(channels: readonly string[]): string {
  return makeToken({ userId: "all", channel: channels }, { secret: SECRET });
}

function measuredOf(
  crowd: CrowdReport,
  live: LiveReport,
  growth: number,
  otherCores: number,
  history: number,
): Measured {
  const { clients } = crowd;
  const done = clients.map(({ doneMs }) => doneMs).filter((ms) => ms !== null);
  const unfinished = clients.filter(({ doneMs }) => doneMs === null);
  const short = clients.filter(({ doneMs, events }) => doneMs !== null && events < history + 1);
  const replayed = clients.reduce((sum, { events }) => sum + events, 0);
  const seconds = unfinished.length > 0 ? crowd.seconds : Math.max(...done) / 1000;
  const share = crowd.cpuSeconds / crowd.seconds;
  return {
    values: {
      longestEmit: Math.max(...live.emitMs),
      p99Emit: quantile(live.emitMs, 0.99),
      longestHead: Math.max(...live.headMs),
      first: Math.max(...clients.map(({ firstMs }) => firstMs ?? crowd.seconds * 1000)) / 1000,
      longestPause: Math.max(...clients.map(({ longestPauseMs }) => longestPauseMs)),
      fastest: done.length > 0 ? Math.min(...done) / 1000 : NaN,
      slowest: unfinished.length > 0 ? NaN : seconds,
      replayed: replayed / seconds,
      growth: growth / 1_048_576,
      emits: live.emitMs.length,
      crowdCpu: share,
    },
    broken: [
      ...(unfinished.length > 0
        ? [
          `${unfinished.length} clients had not everything after ${DEADLINE_MS / 1000} s, ` +
          `${Math.min(...unfinished.map(({ events }) => events))} of ${history} events at least`,
        ]
        : []),
      ...(short.length > 0 ? [`${short.length} clients were not given all of history`] : []),
      ...(live.refused > 0 ? [`${live.refused} emits were refused`] : []),
      ...(live.lost > 0 ? [`${live.lost} deliveries to clients at the head never came`] : []),
    ],
    doubts: [
      ...(share > CROWD_ALLOWED
        ? [`the resuming clients used ${Math.round(100 * share)} % of a core and may be the limit`]
        : []),
      ...doubtsAboutOthers(otherCores),
    ],
  };
}

const FIGURES = [
  figure("longestEmit", "longest emit", "ms", "less"),
  figure("p99Emit", "p99 of emits", "ms", "less"),
  figure("longestHead", "longest to clients at the head", "ms", "less"),
  figure("first", "last client's first bytes", "s", "less"),
  figure("longestPause", "longest pause of a client", "ms", "less"),
  figure("fastest", "fastest client has all", "s", "less"),
  figure("slowest", "slowest client has all", "s", "less"),
  figure("replayed", "replayed events/s", "/s", "more"),
  figure("growth", "memory at most", "MB", "less"),
] as const;

const STORES: readonly StoreKind[] = ["memory", "sqlite", "redis"];

/** Nobody waits for those that resume, and those that resume go on. */
function goalsFor(store: StoreKind): readonly Goal[] {
  const label = LABELS[store];
  const under = (what: string, key: string, ms: number) =>
    limit(`${store}: ${what} under ${ms} ms`, key, (value) => value < ms, label);
  return [
    under("longest emit", "longestEmit", 100),
    under("longest to clients at the head", "longestHead", 100),
    under("longest pause of a resuming client", "longestPause", 1000),
  ];
}

function row(name: string, channels: number, title: string): Row {
  const shapeAt = (size: Size): Shape => ({
    channels,
    clients: size === "full" ? 40 : 4,
    historyBytes: size === "full" ? FULL_HISTORY_BYTES : FULL_HISTORY_BYTES / 10,
    liveClients: 10,
  });
  return {
    name,
    title,
    figures: FIGURES,
    contestants: STORES.map((store) => resuming(shapeAt, store)),
    goals: STORES.flatMap(goalsFor),
  };
}

/** As many channels as a token can name. */
export const resumingMany = row(
  "resuming",
  5_500,
  "40 clients resume 16 MiB on 5,500 channels, emits meanwhile",
);

/** What an application with some dozens of channels would have. */
export const resumingSome = row(
  "resuming-100",
  100,
  "40 clients resume 16 MiB on 100 channels, emits meanwhile",
);

/** The least there is to merge. */
export const resumingOne = row(
  "resuming-1",
  1,
  "40 clients resume 16 MiB on 1 channel, emits meanwhile",
);
