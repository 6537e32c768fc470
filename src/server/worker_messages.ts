/**
 * What the main thread and its worker threads say to each other, besides what a broker and its
 * followers say.
 *
 * @module
 */
import type { KeyMaterial } from "../auth/key_material.ts";
import type { RevocationRecord } from "../auth/revocations.ts";
import type { FromFollower, ToFollower } from "../broker/thread/messages.ts";
import type { SharedCounts } from "../hub/connection_counter.ts";
import type { LogLevel } from "../observability/log_line.ts";
import type { ClientCounts } from "../hub/server_counts.ts";
import type { LogPosition } from "../sse/log_position.ts";
import type { ClientQueries, ClientSettings } from "./client_side.ts";
import type { AboutPlaces, PlaceAnswer } from "./remote_places.ts";
import type { TlsCertificate } from "./tls_certificate.ts";

/** What a worker is started with. */
export interface WorkerStart {
  readonly settings: ClientSettings;
  /** The broker's head; the worker gets every later event. */
  readonly head: LogPosition;
  /** Tokens that are refused; the worker gets every later one. */
  readonly revocations: readonly RevocationRecord[];
  /** See `sharedCounters`. */
  readonly counts: SharedCounts;
  /** The number of this worker, from 0. */
  readonly worker: number;
  /**
   * For messages in both directions. Not the worker's own `postMessage`: Deno 2.9.6 looks at each byte of
   * what comes that way, which takes a hundred times as long.
   */
  readonly port: MessagePort;
}

/** One query of `ClientQueries`; its answer has the same id. */
export interface Query {
  readonly kind: "query";
  readonly id: number;
  readonly name: keyof ClientQueries;
  readonly args: readonly unknown[];
}

/** From the main thread. */
export type ToWorker =
  | ToFollower
  | Query
  | PlaceAnswer
  | { readonly kind: "use keys"; readonly keys: KeyMaterial }
  | { readonly kind: "use certificate"; readonly certificate: TlsCertificate }
  | { readonly kind: "use log level"; readonly level: LogLevel }
  /** Sent once a second; answered by `beat`. */
  | { readonly kind: "ping" }
  | { readonly kind: "announce stop" }
  | { readonly kind: "stop accepting" }
  | { readonly kind: "drain" };

/** From a worker. */
export type FromWorker =
  | FromFollower
  | AboutPlaces
  | { readonly kind: "started"; readonly address: string }
  | { readonly kind: "start failed"; readonly reason: string }
  | { readonly kind: "beat"; readonly accepting: boolean; readonly counts: ClientCounts }
  | { readonly kind: "answer"; readonly id: number; readonly answer: unknown }
  /** Every stream has ended. */
  | { readonly kind: "stopped" };

const TO_FOLLOWER: Readonly<Record<ToFollower["kind"], true>> = {
  "events": true,
  "restart": true,
  "removed": true,
  "history": true,
  "history failed": true,
};

/** Whether a message is one that a broker's follower takes. */
export function isToFollower(message: ToWorker): message is ToFollower {
  return Object.hasOwn(TO_FOLLOWER, message.kind);
}
