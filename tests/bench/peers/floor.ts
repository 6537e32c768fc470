import { freePort } from "../../support/ports.ts";
import { programPath } from "../programs.ts";
import type { Peer } from "./peer.ts";
import { startPeer } from "./started.ts";

/** The C program that writes once for each delivery and does nothing else: no server, but a measure. */
export const floor: Peer = {
  name: "C floor",
  absence: () => Promise.resolve(undefined),
  version: () => Promise.resolve("tests/bench/floor.c"),
  start: () =>
    startPeer(() => {
      const port = freePort();
      const address = `127.0.0.1:${port}`;
      return {
        command: [programPath("floor"), String(port)],
        probe: { address, path: "/" },
        subscribing: { address, path: "/", headers: [], tokenFile: undefined },
        publishing: { address, path: "/", contentType: "text/plain", headers: [], body: "%T" },
      };
    }),
};
