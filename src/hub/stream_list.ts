import { compare, type Order } from "../lib/first_items.ts";
import type { ClientOrigin } from "./client_origin.ts";

/** What streams can be sorted by. */
export const STREAM_SORTS = [
  "since",
  "user",
  "address",
  "unsentBytes",
  "behindSeconds",
] as const;

/** One of {@link STREAM_SORTS}. */
export type StreamSort = typeof STREAM_SORTS[number];

/** How streams are sorted; those that are equal by their ids. */
export interface StreamOrder {
  readonly by: StreamSort;
  readonly descending: boolean;
}

/** Which streams are meant: all, those of a user, those that hear a channel, or those that do both. */
export interface StreamFilter {
  readonly user?: string;
  readonly channel?: string;
}

/** A stream's place in an order. */
export type StreamRank = readonly [key: string | number, id: string];

/** The streams that a filter fits. */
export interface RankedStreams {
  readonly total: number;
  /** The first of them in order, as many as were asked for. */
  readonly first: readonly StreamRank[];
}

/** What an operator is told of an open stream. Plain data, so that it can come from another thread. */
export interface StreamDetails {
  readonly id: string;
  /** `undefined` for a stream without a token. */
  readonly user: string | undefined;
  /** The first of its channels. */
  readonly channels: readonly string[];
  /** How many channels it hears. */
  readonly channelCount: number;
  /** In milliseconds since 1970. */
  readonly since: number;
  readonly origin: ClientOrigin | undefined;
  /** The id up to which it has been given every event for it; `undefined` while that is not known. */
  readonly position: string | undefined;
  readonly isLive: boolean;
  /** Bytes that its client has not accepted yet. */
  readonly unsentBytes: number;
  /** The time between its position and the log's newest event; 0 if it is live, `undefined` as for its position. */
  readonly behindSeconds: number | undefined;
  /** In seconds since 1970; `undefined` for never. */
  readonly tokenExpires: number | undefined;
}

/** The order of ranks. */
export function orderOf({ descending }: Pick<StreamOrder, "descending">): Order<StreamRank> {
  const sign = descending ? -1 : 1;
  return ([one, oneId], [other, otherId]) => sign * compare(one, other) || compare(oneId, otherId);
}

/** The streams that several hubs found, as one. */
export function joinRanked(
  found: readonly RankedStreams[],
  order: StreamOrder,
  most: number,
): RankedStreams {
  return {
    total: found.reduce((sum, { total }) => sum + total, 0),
    first: found.flatMap(({ first }) => first).sort(orderOf(order)).slice(0, most),
  };
}
