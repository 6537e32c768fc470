import { lastingPort } from "../../support/lasting_ports.ts";
import { PROJECT_ROOT } from "../../support/server_command.ts";
import manifest from "../../../deno.json" with { type: "json" };
import { TempDir } from "../../support/temp_dir.ts";
import type { Peer, Publishing, RunningPeer, Subscription } from "./peer.ts";
import { startPeer } from "./started.ts";
import { IssuerKey, type KeyKind } from "../../support/issuer_key.ts";
import { CHANNEL, SECRET, type SignToken, writeTokens } from "./tokens.ts";

/** The server of this project, with its default settings. */
export const thisServer: Peer = {
  name: "this server",
  isOurs: true,
  absence: () => Promise.resolve(undefined),
  version: () => Promise.resolve(`${manifest.version}, Deno ${Deno.version.deno}`),
  start: (subscription) => startThisServer(subscription),
};

/** The same with tokens of an issuer, whose public key it has. */
export function withIssuer(kind: KeyKind): Peer {
  return {
    ...thisServer,
    start: async (subscription) => {
      await using folder = await TempDir.make();
      const key = new IssuerKey(kind);
      const file = await folder.write("key.pem", key.pem);
      // The server has read the file once it has started.
      return await startThisServer(
        subscription,
        ["-public-key", file],
        (claims) => key.token(claims),
      );
    },
  };
}

/** Starts it with some more flags. @param sign makes the subscribers' tokens; default: with the server's secret. */
export function startThisServer(
  subscription: Subscription,
  flags: readonly string[] = [],
  sign?: SignToken,
): Promise<RunningPeer> {
  return startPeer(async (folder) => {
    const client = `127.0.0.1:${lastingPort()}`;
    const control = `127.0.0.1:${lastingPort()}`;
    const listeners = ["-bind", client, "-bindctl", control];
    return {
      command: [...command(), ...listeners, "-secret", SECRET, ...flags],
      probe: { address: control, path: "/healthz" },
      subscribing: {
        address: client,
        path: "/events/",
        headers: [],
        tokenFile: await writeTokens(folder, subscription, sign),
      },
      publishing: emitForm(control, subscription),
      publishingLines: emitLines(control, subscription),
    };
  });
}

/** Another command for the server, such as a compiled one, in words separated by spaces. */
function command(): readonly string[] {
  const words = (Deno.env.get("SSE_BENCH_SERVER") ?? "").split(/\s+/).filter((word) => word !== "");
  if (words.length > 0) return words;
  const permissions = ["--allow-net", "--allow-read", "--allow-write", "--allow-env=SSE_*"];
  return [Deno.execPath(), "run", ...permissions, `${PROJECT_ROOT}main.ts`];
}

/** One event a request, as an HTML form sends it. */
function emitForm(address: string, subscription: Subscription): Publishing {
  const { user, channel } = addressees(subscription);
  return {
    address,
    path: "/emit/",
    contentType: "application/x-www-form-urlencoded",
    headers: [],
    body: `userId=${user}&channel=${channel}&data=%T`,
  };
}

/** One event a line, many lines a request. */
function emitLines(address: string, subscription: Subscription): Publishing {
  const { user, channel } = addressees(subscription);
  return {
    address,
    path: "/emit/",
    contentType: "application/x-ndjson",
    headers: [],
    body: `{"userId":"${user}","channel":"${channel}","data":"%T"}`,
  };
}

function addressees({ channels, tokens }: Subscription): { user: string; channel: string } {
  const each = channels === "each";
  return {
    user: each && tokens === "each" ? "u%N" : "*",
    channel: each ? "c%N" : CHANNEL,
  };
}
