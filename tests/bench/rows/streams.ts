/**
 * Rows about the streams themselves: what opening one costs, and what one takes while nothing happens.
 *
 * @module
 */
import { type LoadShape, putLoad } from "../load.ts";
import { betterSse } from "../peers/better_sse.ts";
import { goSeed } from "../peers/go_seed.ts";
import { nchan } from "../peers/nchan.ts";
import type { Peer, Subscription } from "../peers/peer.ts";
import { thisServer, withIssuer } from "../peers/this_server.ts";
import { comparison, limit } from "./goals.ts";
import { contestant, figure, FIGURES, measuredOf } from "./load_row.ts";
import type { Contestant, Row, Size } from "./row.ts";

const peers = [thisServer, goSeed, nchan, betterSse];
const QUIET = { publishers: 0, seconds: 0, drainSeconds: 0 };

function ownTokens(subscribers: number): Subscription {
  return { subscribers, channels: "one", tokens: "each" };
}

/** All at once, as after a restart of a proxy. */
function storm(size: Size): LoadShape {
  const subscribers = size === "full" ? 5000 : 500;
  return { ...QUIET, subscribers, connectWindow: subscribers };
}

/** Connects everyone twice: the second time with tokens that have been seen before. */
export function stormTwice(peer: Peer): Contestant {
  return {
    label: peer.name,
    peer,
    measure: async (size) => {
      const shape = storm(size);
      await using running = await peer.start(ownTokens(shape.subscribers));
      const first = measuredOf(await putLoad(running, shape));
      const again = measuredOf(await putLoad(running, shape));
      return {
        values: {
          ...first.values,
          reconnectCpu: again.values.connectCpu ?? NaN,
          reconnectTime: again.values.connectTime ?? NaN,
        },
        broken: [...first.broken, ...again.broken],
        doubts: [...first.doubts, ...again.doubts],
      };
    },
  };
}

/** The columns of {@link stormTwice}. */
export const STORM_FIGURES = [
  FIGURES.connectCpu,
  FIGURES.connectTime,
  figure("reconnectCpu", "the same again", "µs", "less"),
  figure("reconnectTime", "until all are back", "s", "less"),
] as const;

/** What opening a stream costs, in a storm. */
export const connecting: Row = {
  name: "connecting",
  title: "connecting 5,000 subscribers at once, each with its own token",
  figures: STORM_FIGURES,
  contestants: peers.map(stormTwice),
  goals: [
    limit("at most 180 µs of CPU", "connectCpu", (value) => value <= 180),
    limit("the same again: at most 130 µs", "reconnectCpu", (value) => value <= 130),
    comparison(
      "at most 2.5 times the Go seed's",
      "connectCpu",
      goSeed.name,
      (own, peer) => own <= 2.5 * peer,
    ),
  ],
};

/** The same with tokens of an issuer. */
export const connectingRsa: Row = {
  name: "connecting-rs256",
  title: "connecting 5,000 subscribers at once, each with its own token of RS256",
  figures: STORM_FIGURES,
  contestants: [stormTwice(withIssuer("RSA"))],
  goals: [],
};

/** The same with tokens of an issuer, on the curve P-256. */
export const connectingEc: Row = {
  name: "connecting-es256",
  title: "connecting 5,000 subscribers at once, each with its own token of ES256",
  figures: STORM_FIGURES,
  contestants: [stormTwice(withIssuer("P-256"))],
  goals: [],
};

/** What a stream takes while nothing happens. */
export const memory: Row = {
  name: "memory",
  title: "an idle stream, of 5,000 with a token each",
  figures: [FIGURES.memory],
  contestants: peers.map((peer) =>
    contestant(peer, ownTokens, (size) => ({
      ...QUIET,
      subscribers: size === "full" ? 5000 : 500,
      // The garbage of connecting is no part of an idle stream; runtimes collect it when they are idle.
      settleMs: size === "full" ? 1500 : 300,
    }))
  ),
  goals: [limit("at most 64 KB", "memory", (value) => value <= 64)],
};
