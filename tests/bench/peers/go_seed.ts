import { freePort } from "../../support/ports.ts";
import type { Peer } from "./peer.ts";
import { absenceOfNamed, namedExecutable } from "./named_executable.ts";
import { startPeer } from "./started.ts";
import { CHANNEL, SECRET, writeTokens } from "./tokens.ts";

const VARIABLE = "SSE_BENCH_GO_SEED";

/** The program that this project replaces, written in Go. */
export const goSeed: Peer = {
  name: "Go seed",
  absence: () => absenceOfNamed(VARIABLE),
  version: () => Promise.resolve(namedExecutable(VARIABLE) ?? ""),
  start: (subscription) =>
    startPeer(async (folder) => {
      const client = `127.0.0.1:${freePort()}`;
      const control = `127.0.0.1:${freePort()}`;
      const program = namedExecutable(VARIABLE) ?? "";
      const channel = subscription.channels === "each" ? "c%N" : CHANNEL;
      return {
        command: [program, "-bind", client, "-bindctl", control, "-secret", SECRET],
        probe: { address: control, path: "/" },
        subscribing: {
          address: client,
          path: "/events/",
          headers: [],
          answersWithEvents: true,
          tokenFile: await writeTokens(folder, subscription),
        },
        publishing: {
          address: control,
          path: "/emit/",
          contentType: "application/x-www-form-urlencoded",
          headers: [],
          // It sends the payload as it is and one line end, so the first one must be given.
          body: `userId=*&channel=${channel}&payload=data:%T%0A`,
        },
      };
    }),
};
