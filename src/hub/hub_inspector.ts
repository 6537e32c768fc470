import type { Claims } from "../auth/claims.ts";
import { isAmong } from "../auth/subscription.ts";
import type { EventFeed } from "../broker/broker.ts";
import { FirstItems } from "../lib/first_items.ts";
import { pause } from "../lib/pause.ts";
import { formatId } from "../sse/log_position.ts";
import { type ChannelCounts, packCounts } from "./channel_counts.ts";
import type { Channels } from "./channels.ts";
import {
  orderOf,
  type RankedStreams,
  type StreamDetails,
  type StreamFilter,
  type StreamOrder,
  type StreamSort,
} from "./stream_list.ts";
import type { Subscriber } from "./subscriber.ts";

/** The parts of a hub that are looked at. */
export interface HubView {
  readonly channels: Channels;
  readonly streams: () => Iterable<Subscriber>;
  readonly feed: Pick<EventFeed, "head">;
}

/** Streams, or channels, looked at in a turn of the event loop: about a millisecond of work. */
const AT_A_TIME = 2000;

/** A token may name thousands of channels. */
const MAX_CHANNELS_TOLD = 20;

/** Looks at the streams of a hub and their channels, for the operator, without holding up the hub's work. */
export class HubInspector {
  readonly #hub: HubView;

  constructor(hub: HubView) {
    this.#hub = hub;
  }

  /**
   * Ranks the streams that a filter fits.
   *
   * @param most how many of them are wanted.
   */
  async rankStreams(
    filter: StreamFilter,
    order: StreamOrder,
    most: number,
  ): Promise<RankedStreams> {
    const first = new FirstItems(most, orderOf(order));
    let total = 0;
    await inTurns(this.#hub.streams(), (stream) => {
      if (!fits(filter, stream)) return;
      total++;
      first.add([this.#keyOf(stream, order.by), stream.id]);
    });
    return { total, first: first.sorted() };
  }

  /** The details of the streams with some ids that are open here, in no order. */
  streamDetails(ids: readonly string[]): readonly StreamDetails[] {
    const wanted = new Set(ids);
    const found: StreamDetails[] = [];
    for (const stream of this.#hub.streams()) {
      if (wanted.has(stream.id)) found.push(this.#detailsOf(stream));
    }
    return found;
  }

  /** How many streams each channel has. @param search a part of the names that are wanted. */
  async countStreams(search: string): Promise<ChannelCounts> {
    const counts = new Map<string, number>();
    await inTurns(this.#hub.channels.countInto(counts), () => {});
    if (search !== "") {
      for (const name of counts.keys()) if (!name.includes(search)) counts.delete(name);
    }
    return packCounts(counts);
  }

  /** How many streams of a user hear each channel. */
  async countStreamsOf(user: string): Promise<ChannelCounts> {
    const counts = new Map<string, number>();
    await inTurns(this.#hub.streams(), ({ claims }) => {
      if (userOf(claims) !== user) return;
      for (const name of claims.channels) counts.set(name, (counts.get(name) ?? 0) + 1);
    });
    return packCounts(counts);
  }

  #keyOf(stream: Subscriber, sort: StreamSort): string | number {
    switch (sort) {
      case "since":
        return stream.since;
      case "user":
        return userOf(stream.claims) ?? "";
      case "address":
        return stream.origin?.address ?? "";
      case "unsentBytes":
        return stream.unsentBytes;
      case "behindSeconds":
        return this.#behindSecondsOf(stream) ?? -1;
    }
  }

  #detailsOf(stream: Subscriber): StreamDetails {
    const { id, claims, since, origin, isLive, unsentBytes } = stream;
    return {
      id,
      user: userOf(claims),
      channels: claims.channels.slice(0, MAX_CHANNELS_TOLD),
      channelCount: claims.channels.length,
      since,
      origin,
      position: isPlaced(stream) ? formatId(stream.position, this.#hub.feed.head.epoch) : undefined,
      isLive,
      unsentBytes,
      behindSeconds: this.#behindSecondsOf(stream),
      tokenExpires: claims.expiresAt,
    };
  }

  #behindSecondsOf(stream: Subscriber): number | undefined {
    if (stream.isLive) return 0;
    if (!isPlaced(stream)) return undefined;
    const behindMs = Math.round((this.#hub.feed.head.seq - stream.position) / 1000);
    return Math.max(0, behindMs) / 1000;
  }
}

/** Whether it is known where in the log a stream is; not yet, for one that has just come with an id. */
function isPlaced({ position, resumedFrom }: Subscriber): boolean {
  return resumedFrom === undefined && position >= 0;
}

/** `undefined` for a stream without a token, which has no user. */
function userOf({ user, isPublic }: Claims): string | undefined {
  return isPublic ? undefined : user;
}

function fits({ user, channel }: StreamFilter, { claims }: Subscriber): boolean {
  return (user === undefined || userOf(claims) === user) &&
    (channel === undefined || isAmong(claims.channels, channel));
}

async function inTurns<T>(items: Iterable<T>, visit: (item: T) => void): Promise<void> {
  let visited = 0;
  for (const item of items) {
    if (++visited % AT_A_TIME === 0) await pause();
    visit(item);
  }
}
