/**
 * What a server remembers of its streams, as an explanation is made of it. Plain data: it comes from other
 * threads and other servers.
 *
 * @module
 */
import type { ClientOrigin } from "../hub/client_origin.ts";
import type { DisconnectReason } from "../hub/disconnect_reason.ts";
import type { StreamProgress } from "../hub/stream_progress.ts";
import type { RefusalCode } from "../lib/errors.ts";
import { seqTime } from "../sse/log_position.ts";

/** A stream of the user asked about. */
export interface StreamRecord {
  readonly id: string;
  /** Set by whoever asked another server. */
  readonly server?: string;
  /** Whether it hears the channel asked about. */
  readonly hears: boolean;
  /** The first few of its channels. */
  readonly channels: readonly string[];
  readonly channelCount: number;
  readonly origin: ClientOrigin | undefined;
  readonly openedMs: number;
  readonly progress: StreamProgress;
  /** `undefined` for an open stream. */
  readonly end: StreamEnd | undefined;
}

/** How a stream ended. */
export interface StreamEnd {
  readonly atMs: number;
  readonly reason: DisconnectReason;
  /** The log's newest seq then, as far as the server had followed a shared store. */
  readonly head: number;
}

/**
 * Whether a stream had ended when an event was published. A server that follows a store may lag behind it, so an
 * event that it had not got yet counts as later only if it is so by the clocks, too.
 */
export function hadEnded({ end }: Pick<StreamRecord, "end">, seq: number): boolean {
  return end !== undefined && end.head < seq && end.atMs <= seqTime(seq);
}

/** Why a client got no stream, in a word or two. */
export type RefusedFor = RefusalCode | DisconnectReason | "channel not granted" | "bad request";

/** Requests for a stream that were refused for the same reason, one after the other. */
export interface RefusalRecord {
  readonly server?: string;
  readonly why: RefusedFor;
  readonly message: string;
  /** `undefined` if nobody can tell who asked. */
  readonly user: string | undefined;
  /** Whether a key of the server has signed who it was; otherwise the token only claims to be for `user`. */
  readonly isVerified: boolean;
  /** Whether the stream would have heard the channel asked about; `undefined` if nobody can tell. */
  readonly hears?: boolean | undefined;
  readonly origin: ClientOrigin | undefined;
  readonly firstMs: number;
  readonly lastMs: number;
  readonly count: number;
}

/** A sentence needs no more similar names. */
export const MAX_SIMILAR = 3;

/** What is known of one user. */
export interface UserRecord {
  /** Nothing is known of streams that ended at this time or earlier. */
  readonly beginsMs: number;
  /** The log's newest seq at that time. */
  readonly beginsAfter: number;
  /** Whether there are open ones that are not told, because they are too many. */
  readonly hasMoreOpen?: boolean;
  /** Open ones, and those that have ended. */
  readonly streams: readonly StreamRecord[];
  /** Those of the user, and those of nobody who is known. */
  readonly refusals: readonly RefusalRecord[];
  /** Users with streams whose names may have been meant, if no stream of the user is known. Default: none. */
  readonly similarUsers?: readonly string[];
}

/** Control requests, or lines of them, that were to emit and were refused in the same way. */
export interface RefusedEmit {
  readonly server?: string;
  readonly firstMs: number;
  readonly lastMs: number;
  readonly count: number;
  readonly status: number;
  readonly reason: string;
  /** The name of the control key. */
  readonly keyName: string | undefined;
  /** `undefined` if the request was refused before it was read so far. */
  readonly channel: string | undefined;
  readonly user: string | undefined;
}

/** Joins what several hubs know; there must be at least one. */
export function joinRecords(records: readonly UserRecord[]): UserRecord {
  const streams = records.flatMap(({ streams }) => streams);
  const similar = new Set(records.flatMap(({ similarUsers = [] }) => similarUsers));
  return {
    beginsMs: Math.max(...records.map(({ beginsMs }) => beginsMs)),
    beginsAfter: Math.max(...records.map(({ beginsAfter }) => beginsAfter)),
    hasMoreOpen: records.some(({ hasMoreOpen }) => hasMoreOpen === true),
    streams,
    refusals: records.flatMap(({ refusals }) => refusals),
    similarUsers: streams.length > 0 ? [] : [...similar].slice(0, MAX_SIMILAR),
  };
}
