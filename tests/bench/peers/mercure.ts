import { freePort } from "../../support/ports.ts";
import { makeToken } from "../../support/jwt.ts";
import { absenceOfNamed, namedExecutable } from "./named_executable.ts";
import type { Peer } from "./peer.ts";
import { startPeer } from "./started.ts";
import { CHANNEL, SECRET } from "./tokens.ts";

const VARIABLE = "SSE_BENCH_MERCURE";
const HUB = "/.well-known/mercure";

/** Grants that Mercure reads in a token. */
const DETAIL_TYPE = "https://mercure.rocks/authorization-detail";
const ISSUER = "https://bench.example";
const LIFETIME_SECONDS = 3600;

/** Mercure 1.0 or later, with its in-memory transport and anonymous subscribers. */
export const mercure: Peer = {
  name: "Mercure",
  absence: () => absenceOfNamed(VARIABLE),
  version: () => Promise.resolve(namedExecutable(VARIABLE) ?? ""),
  start: (subscription) =>
    startPeer(async (folder) => {
      const address = `127.0.0.1:${freePort()}`;
      const topic = subscription.channels === "each" ? "c%N" : CHANNEL;
      const file = await folder.write("Caddyfile", configuration(address));
      return {
        command: [namedExecutable(VARIABLE) ?? "", "run", "--config", file],
        env: { XDG_DATA_HOME: folder.path, XDG_CONFIG_HOME: folder.path },
        probe: { address, path: "/" },
        subscribing: {
          address,
          path: `${HUB}?match=${topic}`,
          headers: [],
          tokenFile: undefined,
        },
        publishing: {
          address,
          path: HUB,
          contentType: "application/x-www-form-urlencoded",
          headers: [`Authorization: Bearer ${publisherToken(resourceAt(address))}`],
          body: `topic=${topic}&data=%T`,
        },
      };
    }),
};

/** The name under which the hub expects tokens to be for it. */
function resourceAt(address: string): string {
  return `http://${address}${HUB}`;
}

/** An OAuth access token that may publish anything. */
function publisherToken(audience: string): string {
  return makeToken({
    iss: ISSUER,
    aud: audience,
    sub: "bench",
    client_id: "bench",
    exp: Math.floor(Date.now() / 1000) + LIFETIME_SECONDS,
    authorization_details: [{ type: DETAIL_TYPE, actions: ["publish"], topics: [{ match: "*" }] }],
  }, { secret: SECRET, header: { typ: "at+jwt" } });
}

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
    issuer ${ISSUER} {
      publisher {
        jwt "${SECRET}"
      }
      subscriber {
        jwt "${SECRET}"
      }
    }
    resource_identifier ${resourceAt(address)}
    anonymous
  }
}
`;
}
