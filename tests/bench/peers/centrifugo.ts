import { freePort } from "../../support/ports.ts";
import { absenceOfNamed, namedExecutable } from "./named_executable.ts";
import type { Peer } from "./peer.ts";
import { startPeer } from "./started.ts";
import { CHANNEL } from "./tokens.ts";

const VARIABLE = "SSE_BENCH_CENTRIFUGO";
const API_KEY = "bench";

/** Centrifugo 6, over its unidirectional event stream, with anonymous subscribers and no history. */
export const centrifugo: Peer = {
  name: "Centrifugo",
  absence: () => absenceOfNamed(VARIABLE),
  version: () => Promise.resolve(namedExecutable(VARIABLE) ?? ""),
  start: (subscription) =>
    startPeer(async (folder) => {
      const port = freePort();
      const address = `127.0.0.1:${port}`;
      const channel = subscription.channels === "each" ? "c%N" : CHANNEL;
      const file = await folder.write("config.json", JSON.stringify(configuration(port)));
      // The load generator knows no percent-encoding, and the number is its own to write.
      const connect = encodeURIComponent('{"subs":{"CHANNEL":{}}}').replace("CHANNEL", channel);
      return {
        command: [namedExecutable(VARIABLE) ?? "", "--config", file],
        probe: { address, path: "/" },
        subscribing: {
          address,
          path: `/connection/uni_sse?cf_connect=${connect}`,
          headers: [],
          tokenFile: undefined,
        },
        publishing: {
          address,
          path: "/api/publish",
          contentType: "application/json",
          headers: [`X-API-Key: ${API_KEY}`],
          body: `{"channel":"${channel}","data":"%T"}`,
        },
      };
    }),
};

function configuration(port: number): object {
  return {
    http_server: { address: "127.0.0.1", port: String(port) },
    log: { level: "error" },
    client: { allow_anonymous_connect_without_token: true },
    channel: {
      without_namespace: {
        allow_subscribe_for_client: true,
        allow_subscribe_for_anonymous: true,
      },
    },
    uni_sse: { enabled: true },
    http_api: { key: API_KEY },
  };
}
