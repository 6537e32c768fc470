import { lastingPort } from "../../support/lasting_ports.ts";
import { PROJECT_ROOT } from "../../support/server_command.ts";
import { textOf } from "../ask.ts";
import type { Cores } from "../pinned.ts";
import manifest from "../../../deno.json" with { type: "json" };
import { TempDir } from "../../support/temp_dir.ts";
import type { Peer, Publishing, RunningPeer, Subscription } from "./peer.ts";
import { startPeer } from "./started.ts";
import { IssuerKey, type KeyKind } from "../../support/issuer_key.ts";
import { CHANNEL, SECRET, type SignToken, writeTokens } from "./tokens.ts";

/** The server of this project, with its default settings. */
export const thisServer: Peer = thisServerWith("this server", []);

/** The same with its history in SQLite. */
export const thisServerOnSqlite: Peer = thisServerWith("this server on SQLite", onSqlite);

/** The same on every core, which it shares with the load; with one worker, and with two. */
export const oneWorker: Peer = thisServerWith("this server", [], "all");
export const twoWorkers: Peer = thisServerWith("this server, 2 workers", ["-workers", "2"], "all");

/** Flags of the server; some name a file, in the folder that is the server's for as long as it runs. */
type Flags = readonly string[] | ((folder: TempDir) => readonly string[]);

function onSqlite(folder: TempDir): readonly string[] {
  return ["-store", `sqlite:${folder.join("events.db")}`];
}

/** This server with some more flags; absent where it refuses them, as an older version may. */
function thisServerWith(name: string, flags: Flags, cores: Cores = "one each"): Peer {
  return {
    name,
    isOurs: true,
    absence: () => refusalOf(flags),
    version: () => Promise.resolve(`${manifest.version}, Deno ${Deno.version.deno}`),
    start: (subscription) => startThisServer(subscription, flags, cores),
  };
}

async function refusalOf(flags: Flags): Promise<string | undefined> {
  if (typeof flags === "function" || flags.length === 0) return undefined;
  const [program = "", ...args] = command();
  const version = await textOf(program, [...args, ...flags, "-version"]);
  return version === undefined ? `this version refuses ${flags.join(" ")}` : undefined;
}

/** The same with tokens of an issuer, whose public key it has. */
export function withIssuer(kind: KeyKind): Peer {
  return {
    ...thisServer,
    start: async (subscription) => {
      await using folder = await TempDir.make();
      const key = new IssuerKey(kind);
      const file = await folder.write("key.pem", key.pem);
      // The server has read the file once it has started.
      const flags = ["-public-key", file];
      return await startThisServer(subscription, flags, "one each", (claims) => key.token(claims));
    },
  };
}

/** Starts it with some more flags. @param sign makes the subscribers' tokens; default: with the server's secret. */
export function startThisServer(
  subscription: Subscription,
  flags: Flags = [],
  cores: Cores = "one each",
  sign?: SignToken,
): Promise<RunningPeer> {
  return startPeer(async (folder) => {
    const more = typeof flags === "function" ? flags(folder) : flags;
    const client = `127.0.0.1:${lastingPort()}`;
    const control = `127.0.0.1:${lastingPort()}`;
    const listeners = ["-bind", client, "-bindctl", control];
    return {
      command: [...command(), ...listeners, "-secret", SECRET, ...more],
      cores,
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

/** The folder of another version, while that one is measured. */
let otherVersion: string | undefined;

/** Measures the version of this server that is in a folder, in place of this one. */
export async function withVersionIn<T>(folder: string, measure: () => Promise<T>): Promise<T> {
  otherVersion = folder;
  try {
    return await measure();
  } finally {
    otherVersion = undefined;
  }
}

/** The command for the server; the environment may give another, such as a compiled one, in words separated by spaces. */
function command(): readonly string[] {
  const words = (Deno.env.get("SSE_BENCH_SERVER") ?? "").split(/\s+/).filter((word) => word !== "");
  if (words.length > 0 && otherVersion === undefined) return words;
  const permissions = ["--allow-net", "--allow-read", "--allow-write", "--allow-env=SSE_*"];
  return [Deno.execPath(), "run", ...permissions, `${otherVersion ?? PROJECT_ROOT}/main.ts`];
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
