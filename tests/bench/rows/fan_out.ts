/**
 * Rows in which every subscriber hears every event.
 *
 * @module
 */
import { betterSse } from "../peers/better_sse.ts";
import { centrifugo } from "../peers/centrifugo.ts";
import { floor } from "../peers/floor.ts";
import { goSeed } from "../peers/go_seed.ts";
import { mercure } from "../peers/mercure.ts";
import { nchan } from "../peers/nchan.ts";
import type { Peer, Subscription } from "../peers/peer.ts";
import { pushpin } from "../peers/pushpin.ts";
import { thisServer } from "../peers/this_server.ts";
import { comparison, limit } from "./goals.ts";
import { contestant, FIGURES, type ShapeAt } from "./load_row.ts";
import { type Contestant, type Row, THIS } from "./row.ts";

const servers = [nchan, betterSse, pushpin, goSeed, mercure, centrifugo];

/** All hear all. */
export function together(subscribers: number): Subscription {
  return { subscribers, channels: "one", tokens: "one" };
}

function contestants(peers: readonly Peer[], shape: ShapeAt): readonly Contestant[] {
  return [thisServer, ...peers].map((peer) => contestant(peer, together, shape));
}

/** One publisher, as fast as its answers come. */
export const flatOut: ShapeAt = (size) => ({
  subscribers: size === "full" ? 1000 : 100,
  publishers: 1,
  seconds: size === "full" ? 1.5 : 0.5,
  drainSeconds: 20,
});

/** How much is got out to many subscribers at most. */
export const saturated: Row = {
  name: "saturated",
  title: "1,000 subscribers, one publisher flat out, each publish awaited",
  figures: [FIGURES.deliveries, FIGURES.cpuPerDelivery, FIGURES.p50, FIGURES.p99],
  contestants: contestants([floor, ...servers], flatOut),
  goals: [
    comparison(
      "at least 10 times nchan",
      "deliveries",
      nchan.name,
      (own, peer) => own >= 10 * peer,
    ),
    comparison("more than the C floor", "deliveries", floor.name, (own, peer) => own > peer),
  ],
};

/** Nearly as many deliveries as one core can do, in time. */
export const many: Row = {
  name: "many",
  title: "9,500 subscribers, 50 events/s",
  figures: [FIGURES.p99, FIGURES.p50, FIGURES.delivered, FIGURES.cores, FIGURES.cpuPerDelivery],
  contestants: contestants([nchan, goSeed], (size) => ({
    subscribers: size === "full" ? 9500 : 950,
    publishers: 1,
    rate: 50,
    seconds: size === "full" ? 3 : 1,
    // Long enough to be late by seconds; a peer that needs longer has not delivered it.
    drainSeconds: size === "full" ? 4 : 20,
  })),
  goals: [
    limit("all of it delivered", "delivered", (value) => value === 100),
    limit("p99 under 250 ms", "p99", (value) => value < 250),
    limit("under one core", "cores", (value) => value < 1),
  ],
};

/** One publisher at a steady rate, in events a second. */
export function atRate(rate: number): ShapeAt {
  return (size) => ({
    subscribers: size === "full" ? 1000 : 100,
    publishers: 1,
    rate,
    seconds: size === "full" ? 4 : 1,
    drainSeconds: 20,
  });
}

/**
 * What a delivery costs, and how long it takes, where there is little to join.
 *
 * @param times how many times as long as nchan's it may take.
 */
function pacedAt(rate: number, times: number): Row {
  const most = times === 1 ? "at most nchan's" : `at most ${times} times nchan's`;
  return {
    name: `paced-${rate}`,
    title: `1,000 subscribers, ${rate} events/s`,
    figures: [FIGURES.p50, FIGURES.p99, FIGURES.cpuPerDelivery],
    contestants: contestants(servers, atRate(rate)),
    goals: [
      comparison(`p50 ${most}`, "p50", nchan.name, (own, peer) => own <= times * peer),
      comparison(`p99 ${most}`, "p99", nchan.name, (own, peer) => own <= times * peer),
      comparison(
        "CPU at most 1.1 times nchan's",
        "cpuPerDelivery",
        nchan.name,
        (own, peer) => own <= 1.1 * peer,
      ),
    ],
  };
}

/** Events far apart, at a steady rate, and nearly one behind the other. */
export const paced10 = pacedAt(10, 1);
export const paced30 = pacedAt(30, 1);
export const paced60 = pacedAt(60, 1.5);

/** One event now and then, to one subscriber. */
export const nowAndThen: ShapeAt = (size) => ({
  subscribers: 1,
  publishers: 1,
  // Far enough apart for any window to be over in between.
  rate: 40,
  seconds: size === "full" ? 2 : 1,
  drainSeconds: 20,
});

/** How soon a lone event is there. */
export const idle: Row = {
  name: "idle",
  title: "one event to an idle channel, 1 subscriber",
  figures: [FIGURES.p50, FIGURES.p99, FIGURES.cpuPerDelivery],
  contestants: contestants([floor, ...servers], nowAndThen),
  goals: [limit("p50 under 1 ms", "p50", (value) => value < 1, THIS)],
};
