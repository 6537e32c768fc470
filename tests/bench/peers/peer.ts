/**
 * What the benchmark knows of a server: how to start it, subscribe to it and publish through it.
 *
 * @module
 */
import type { Cores } from "../pinned.ts";

/** Who will listen, told before the start so that tokens and channels can be prepared. */
export interface Subscription {
  readonly subscribers: number;
  /** One channel for all, or one for each, named by the subscriber's number. */
  readonly channels: "one" | "each";
  /** One token for all, or one for each; for servers that ask for tokens. */
  readonly tokens: "one" | "each";
}

/** How the load generator opens a stream; see its options of the same names. */
export interface Subscribing {
  readonly address: string;
  /** Of further servers that share its events; the subscribers are dealt out to all in turn. */
  readonly otherAddresses?: readonly string[];
  /** `%N` stands for the subscriber's number. */
  readonly path: string;
  readonly headers: readonly string[];
  readonly tokenFile: string | undefined;
  /** For a server that refuses clients who connect faster: how many may wait for their answer at once. */
  readonly connectWindow?: number;
  /** Whether the server answers a subscriber only with its first event. */
  readonly answersWithEvents?: boolean;
}

/** How the load generator publishes; `%T` stands for an event's stamp, `%N` for its channel's number. */
export interface Publishing {
  readonly address: string;
  readonly path: string;
  readonly contentType: string;
  readonly headers: readonly string[];
  readonly body: string;
}

/** A started server; disposing of it ends all of its processes. */
export interface RunningPeer extends AsyncDisposable {
  /** All of its processes. */
  readonly pids: readonly number[];
  /** The same by what they do, where they do different things. */
  readonly pidsByRole?: Readonly<Record<string, readonly number[]>>;
  /** From the start of its process to its first answer. */
  readonly startMs: number;
  /** Where it and its load run; by default on a core each. */
  readonly cores?: Cores;
  readonly subscribing: Subscribing;
  readonly publishing: Publishing;
  /** Publishing many events in one request, where the server can. */
  readonly publishingLines?: Publishing;
}

/** A server that is measured. */
export interface Peer {
  readonly name: string;
  /** Whether it is this server, however it is set up. */
  readonly isOurs?: true;
  /** Why it cannot be measured on this machine; `undefined` where it can. */
  absence(): Promise<string | undefined>;
  /** What exactly is measured, for the report. */
  version(): Promise<string>;
  start(subscription: Subscription): Promise<RunningPeer>;
}
