import { betterSse } from "../peers/better_sse.ts";
import { goSeed } from "../peers/go_seed.ts";
import { nchan } from "../peers/nchan.ts";
import type { Peer } from "../peers/peer.ts";
import { thisServer } from "../peers/this_server.ts";
import { limit } from "./goals.ts";
import { figure } from "./load_row.ts";
import type { Contestant, Row } from "./row.ts";

function starting(peer: Peer): Contestant {
  return {
    label: peer.name,
    peer,
    measure: async () => {
      await using running = await peer.start({ subscribers: 0, channels: "one", tokens: "one" });
      return { values: { start: running.startMs }, broken: [], doubts: [] };
    },
  };
}

/** How soon a process answers. */
export const start: Row = {
  name: "start",
  title: "start of the process to the first request answered",
  figures: [figure("start", "start", "ms", "less")],
  contestants: [thisServer, nchan, betterSse, goSeed].map(starting),
  goals: [limit("under 150 ms", "start", (value) => value < 150)],
};
