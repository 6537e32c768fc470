/**
 * Rows about worker threads: this server with two against the same with one. Server and load share every
 * core, so a second worker gains only what the load leaves over.
 *
 * @module
 */
import { oneWorker, twoWorkers } from "../peers/this_server.ts";
import { atRate, flatOut, together } from "./fan_out.ts";
import { comparison } from "./goals.ts";
import { contestant, FIGURES } from "./load_row.ts";
import { apart, emitsUnheard, nobody, toOneEach } from "./publishing.ts";
import type { Goal, Row } from "./row.ts";
import { STORM_FIGURES, stormTwice } from "./streams.ts";

/** A further number of workers is one more name here. */
const peers = [oneWorker, twoWorkers];

function twoAgainstOne(
  text: string,
  key: string,
  holds: (two: number, one: number) => boolean,
): Goal {
  return comparison(text, key, oneWorker.name, holds, twoWorkers.name);
}

/** How much is got out to many subscribers at most. */
export const workersSaturated: Row = {
  name: "workers-saturated",
  title: "1,000 subscribers, one publisher flat out, server and load on the same cores",
  figures: [FIGURES.deliveries, FIGURES.cpuPerDelivery, FIGURES.mainCpu, FIGURES.p50, FIGURES.p99],
  contestants: peers.map((peer) => contestant(peer, together, flatOut)),
  goals: [],
};

/** What a delivery costs: flat out, that depends on how many events are joined. */
export const workersPaced: Row = {
  name: "workers-paced",
  title: "1,000 subscribers, 60 events/s, server and load on the same cores",
  figures: [FIGURES.cpuPerDelivery, FIGURES.mainCpu, FIGURES.p50, FIGURES.p99],
  contestants: peers.map((peer) => contestant(peer, together, atRate(60))),
  goals: [
    twoAgainstOne(
      "CPU per delivery at most 1.15 times one worker's",
      "cpuPerDelivery",
      (two, one) => two <= 1.15 * one,
    ),
  ],
};

/** What opening a stream costs. */
export const workersConnecting: Row = {
  name: "workers-connecting",
  title: "connecting 5,000 subscribers at once, server and load on the same cores",
  figures: [...STORM_FIGURES, FIGURES.memoryAtStart],
  contestants: peers.map(stormTwice),
  goals: [
    twoAgainstOne(
      "at most 25 MB for the second worker",
      "memoryAtStart",
      (two, one) => two <= one + 25,
    ),
  ],
};

/** What taking an event costs, without any delivery. */
export const workersUnheard: Row = {
  name: "workers-unheard",
  title: "emits with nobody listening, server and load on the same cores",
  figures: [FIGURES.events, FIGURES.cpuPerEvent, FIGURES.mainCpu],
  contestants: peers.map((peer) => contestant(peer, nobody, emitsUnheard)),
  goals: [
    twoAgainstOne("at least 1.6 times one worker's", "events", (two, one) => two >= 1.6 * one),
  ],
};

/** What many small channels cost. */
export const workersChannels: Row = {
  name: "workers-channels",
  title: "10,000 connected on 10,000 channels, server and load on the same cores",
  figures: [FIGURES.events, FIGURES.cpuPerDelivery, FIGURES.mainCpu, FIGURES.delivered],
  contestants: peers.map((peer) => contestant(peer, apart, toOneEach)),
  goals: [
    twoAgainstOne("at least 1.6 times one worker's", "events", (two, one) => two >= 1.6 * one),
  ],
};
