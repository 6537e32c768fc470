import { freePort } from "../../support/ports.ts";
import { makeToken } from "../../support/jwt.ts";
import { absenceOfNamed, namedExecutable } from "./named_executable.ts";
import type { Peer } from "./peer.ts";
import { startPeer } from "./started.ts";
import { CHANNEL, SECRET } from "./tokens.ts";

const VARIABLE = "SSE_BENCH_MERCURE";
const HUB = "/.well-known/mercure";

/** Mercure 0.18 or later, with its in-memory transport and anonymous subscribers. */
export const mercure: Peer = {
  name: "Mercure",
  absence: () => absenceOfNamed(VARIABLE),
  version: () => Promise.resolve(namedExecutable(VARIABLE) ?? ""),
  start: (subscription) =>
    startPeer(async (folder) => {
      const address = `127.0.0.1:${freePort()}`;
      const topic = subscription.channels === "each" ? "c%N" : CHANNEL;
      const file = await folder.write("Caddyfile", configuration(address));
      const token = makeToken({ mercure: { publish: ["*"] } }, { secret: SECRET });
      return {
        command: [namedExecutable(VARIABLE) ?? "", "run", "--config", file],
        env: { XDG_DATA_HOME: folder.path, XDG_CONFIG_HOME: folder.path },
        probe: { address, path: "/" },
        subscribing: {
          address,
          path: `${HUB}?topic=${topic}`,
          headers: [],
          tokenFile: undefined,
        },
        publishing: {
          address,
          path: HUB,
          contentType: "application/x-www-form-urlencoded",
          headers: [`Authorization: Bearer ${token}`],
          body: `topic=${topic}&data=%T`,
        },
      };
    }),
};

function configuration(address: string): string {
  return `
{
  auto_https off
  admin off
  log {
    level ERROR
  }
}
http://${address} {
  mercure {
    transport local
    publisher_jwt "${SECRET}"
    subscriber_jwt "${SECRET}"
    anonymous
  }
}
`;
}
