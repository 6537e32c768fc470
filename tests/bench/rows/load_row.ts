/**
 * Rows that are measured with the load generator.
 *
 * @module
 */
import { type Load, type LoadShape, putLoad } from "../load.ts";
import type { Peer, RunningPeer, Subscription } from "../peers/peer.ts";
import type { Contestant, Figure, Measured, Size } from "./row.ts";

/** The load of a row, at each size. */
export type ShapeAt = (size: Size) => LoadShape;

/** Other programs using more of the machine than this make the figures doubtful. */
const OTHERS_ALLOWED = 0.1;

/** Everything that a figure may be made of. */
export const FIGURES = {
  deliveries: figure("deliveries", "deliveries/s", "/s", "more"),
  delivered: figure("delivered", "delivered", "%", "more"),
  events: figure("events", "events/s", "/s", "more"),
  cpuPerEvent: figure("cpuPerEvent", "CPU per event", "µs", "less"),
  cpuPerDelivery: figure("cpuPerDelivery", "CPU per delivery", "µs", "less"),
  mainCpu: figure("mainCpu", "main thread per event", "µs", "less"),
  cores: figure("cores", "CPU", "cores", "less"),
  p50: figure("p50", "p50", "ms", "less"),
  p99: figure("p99", "p99", "ms", "less"),
  memoryAtStart: figure("memoryAtStart", "memory without streams", "MB", "less"),
  memory: figure("memory", "memory per stream", "KB", "less"),
  connectCpu: figure("connectCpu", "CPU per connection", "µs", "less"),
  connectTime: figure("connectTime", "until all are connected", "s", "less"),
} as const;

/** Makes a column. */
export function figure(
  key: string,
  title: string,
  unit: string,
  better: Figure["better"],
): Figure {
  return { key, title, unit, better };
}

/** Starts a peer, puts a row's load on it once, and ends it. */
export function contestant(
  peer: Peer,
  audienceOf: (subscribers: number) => Subscription,
  shapeAt: ShapeAt,
  options: { readonly label?: string; readonly lines?: number } = {},
): Contestant {
  return {
    label: options.label ?? peer.name,
    peer,
    measure: async (size) => {
      const shape = { ...shapeAt(size), ...(options.lines !== undefined && options) };
      await using running = await peer.start(audienceOf(shape.subscribers));
      return measuredOf(await putLoad(running, shape, publishingOf(running, options.lines)));
    },
  };
}

/** What the load generator publishes through: an event a request, or many lines. */
export function publishingOf(running: RunningPeer, lines: number | undefined) {
  return lines === undefined ? running.publishing : running.publishingLines;
}

/** What a load's report says of the server, in the terms of the figures. */
export function measuredOf(load: Load): Measured {
  const { delivered, seconds, serverCpuSeconds, subscribers } = load;
  return {
    values: {
      deliveries: delivered / seconds,
      delivered: 100 * delivered / load.wanted,
      events: load.published / seconds,
      cpuPerEvent: serverCpuSeconds * 1e6 / load.published,
      cpuPerDelivery: serverCpuSeconds * 1e6 / delivered,
      mainCpu: load.serverMainCpuSeconds * 1e6 / load.published,
      cores: serverCpuSeconds / seconds,
      p50: load.p50Us / 1000,
      p99: load.p99Us / 1000,
      memoryAtStart: load.rssBeforeKb / 1024,
      memory: (load.rssAfterKb - load.rssBeforeKb) / subscribers,
      connectCpu: load.connectCpuSeconds * 1e6 / subscribers,
      connectTime: load.connectSeconds,
      loadCpu: load.ownCpu,
    },
    broken: brokenIn(load),
    doubts: doubtsOf(load),
  };
}

function brokenIn(load: Load): readonly string[] {
  const lost = load.wanted - load.delivered;
  const unanswered = load.subscribers - load.open;
  return [
    ...(load.serverAlive ? [] : ["the server has crashed"]),
    ...(unanswered > 0 ? [`${unanswered} streams were refused`] : []),
    ...(load.closed > 0 ? [`${load.closed} streams were cut`] : []),
    ...(load.publishFailures > 0 ? [`${load.publishFailures} events were refused`] : []),
    ...(lost > 0 ? [`${lost} of ${load.wanted} deliveries had not arrived at the end`] : []),
    ...(load.misordered > 0 ? [`${load.misordered} deliveries were repeated or overtaken`] : []),
  ];
}

function doubtsOf(load: Load): readonly string[] {
  const used = `${Math.round(100 * load.ownCpu)} %`;
  return [
    ...(load.saturated ? [`the load generator used ${used} of its core and may be the limit`] : []),
    ...doubtsAboutOthers(load.otherCores),
  ];
}

/** Whether the CPU that others used, in cores, makes a run's figures doubtful. */
export function doubtsAboutOthers(cores: number): readonly string[] {
  return cores > OTHERS_ALLOWED ? [`other programs used ${cores.toFixed(1)} cores`] : [];
}
