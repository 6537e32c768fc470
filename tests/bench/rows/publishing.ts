/**
 * Rows about what publishing costs: to a channel each, and to nobody.
 *
 * @module
 */
import { betterSse } from "../peers/better_sse.ts";
import { goSeed } from "../peers/go_seed.ts";
import { nchan } from "../peers/nchan.ts";
import type { Peer, Subscription } from "../peers/peer.ts";
import { thisServer, thisServerOnSqlite } from "../peers/this_server.ts";
import { comparison, limit } from "./goals.ts";
import { contestant, FIGURES, type ShapeAt } from "./load_row.ts";
import type { Contestant, Row } from "./row.ts";

const NDJSON = "this server, NDJSON";

/** Events in one request of NDJSON. */
export const LINES = 1000;

/** A channel and a token for each. */
export function apart(subscribers: number): Subscription {
  return { subscribers, channels: "each", tokens: "each" };
}

/** Nobody listens. */
export function nobody(): Subscription {
  return { subscribers: 0, channels: "one", tokens: "one" };
}

/** This server twice: an event a request, and a thousand. */
function contestants(
  peers: readonly Peer[],
  subscription: (subscribers: number) => Subscription,
  shape: ShapeAt,
): readonly Contestant[] {
  return [
    contestant(thisServer, subscription, shape),
    contestant(thisServer, subscription, inLines(shape), { label: NDJSON, lines: LINES }),
    ...peers.map((peer) => contestant(peer, subscription, shape)),
  ];
}

/** The load of a row for NDJSON: four requests under way keep the server busy, with {@link LINES} events each. */
export function inLines(shape: ShapeAt): ShapeAt {
  return (size) => ({ ...shape(size), publishers: 4 });
}

/** Emits that go to nobody, as fast as their answers come. */
export const emitsUnheard: ShapeAt = (size) => ({
  subscribers: 0,
  publishers: 16,
  seconds: size === "full" ? 1.5 : 0.5,
  drainSeconds: 0,
});

/** Emits to one subscriber each. */
export const toOneEach: ShapeAt = (size) => ({
  subscribers: size === "full" ? 10_000 : 1000,
  channels: size === "full" ? 10_000 : 1000,
  publishers: 16,
  seconds: size === "full" ? 2 : 0.5,
  drainSeconds: 20,
});

/** What many small channels cost. */
export const channels: Row = {
  name: "channels",
  title: "10,000 connected on 10,000 channels, emits to one each",
  // An event is a delivery here.
  figures: [FIGURES.events, FIGURES.cpuPerDelivery, FIGURES.delivered, FIGURES.p50, FIGURES.p99],
  contestants: contestants([nchan, goSeed], apart, toOneEach),
  goals: [
    limit("at least 30,000 emits/s, one a request", "events", (value) => value >= 30_000),
    limit("at least 30,000 emits/s in NDJSON", "events", (value) => value >= 30_000, NDJSON),
    limit("each delivered", "delivered", (value) => value === 100),
    limit("each delivered in NDJSON", "delivered", (value) => value === 100, NDJSON),
  ],
};

/** What taking an event costs, without any delivery. */
export const unheard: Row = {
  name: "unheard",
  title: "emits with nobody listening, 16 keep-alive connections",
  // What the load generator limits in one figure shows in the other.
  figures: [FIGURES.events, FIGURES.cpuPerEvent],
  contestants: contestants([nchan, betterSse, goSeed], nobody, emitsUnheard),
  goals: [
    comparison(
      "at least 0.8 times nchan's requests/s",
      "events",
      nchan.name,
      (own, peer) => own >= 0.8 * peer,
    ),
    limit("NDJSON: at least 200,000 events/s", "events", (value) => value >= 200_000, NDJSON),
  ],
};

/** What it costs to keep an event on disk before its emit is answered. */
export const sqliteEmits: Row = {
  name: "sqlite-emits",
  title: "emits on SQLite with nobody listening, 16 keep-alive connections",
  figures: [FIGURES.events, FIGURES.cpuPerEvent],
  contestants: [
    contestant(thisServer, nobody, emitsUnheard),
    contestant(thisServerOnSqlite, nobody, emitsUnheard),
    contestant(thisServerOnSqlite, nobody, inLines(emitsUnheard), {
      label: `${thisServerOnSqlite.name}, NDJSON`,
      lines: LINES,
    }),
  ],
  goals: [
    limit(
      "at least 25,000 emits/s, one a request",
      "events",
      (value) => value >= 25_000,
      thisServerOnSqlite.name,
    ),
  ],
};
