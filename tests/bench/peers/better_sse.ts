import { findProgram } from "../../support/tools.ts";
import { freePort } from "../../support/ports.ts";
import { textOf } from "../ask.ts";
import { betterSseFolder } from "../folders.ts";
import type { Peer } from "./peer.ts";
import { startPeer } from "./started.ts";
import { CHANNEL } from "./tokens.ts";

/** The version that is measured. */
export const BETTER_SSE_VERSION = "0.16.1";

const LEAST_NODE = 20;
const SCRIPT = new URL("better_sse_server.mjs", import.meta.url).pathname;

/** better-sse in a small server on Node; it asks for no tokens. */
export const betterSse: Peer = {
  name: "better-sse",
  absence: async () => {
    const version = await nodeVersion();
    if (version === undefined) return "Node is not installed";
    if (Number.parseInt(version.slice(1)) < LEAST_NODE) return `it needs Node 20, not ${version}`;
    return await modulePath() === undefined ? "better-sse could not be installed" : undefined;
  },
  version: async () => `${BETTER_SSE_VERSION}, Node ${await nodeVersion()}`,
  start: (subscription) =>
    startPeer(async () => {
      const port = freePort();
      const address = `127.0.0.1:${port}`;
      const channel = subscription.channels === "each" ? "c%N" : CHANNEL;
      return {
        command: [findProgram("node") ?? "", SCRIPT, await modulePath() ?? "", String(port)],
        env: { NODE_ENV: "production" },
        probe: { address, path: "/" },
        subscribing: { address, path: `/sub/${channel}`, headers: [], tokenFile: undefined },
        publishing: {
          address,
          path: `/pub/${channel}`,
          contentType: "text/plain",
          headers: [],
          body: "%T",
        },
      };
    }),
};

async function nodeVersion(): Promise<string | undefined> {
  const node = findProgram("node");
  return node === undefined ? undefined : (await textOf(node, ["--version"]))?.trim();
}

async function modulePath(): Promise<string | undefined> {
  const path = `${betterSseFolder()}/node_modules/better-sse/build/index.mjs`;
  try {
    await Deno.stat(path);
    return path;
  } catch {
    return undefined;
  }
}
