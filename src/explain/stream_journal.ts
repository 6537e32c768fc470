import { type ChannelGrants, grantsChannel } from "../auth/channel_grants.ts";
import type { Claims } from "../auth/claims.ts";
import { isAmong } from "../auth/subscription.ts";
import type { ClientOrigin } from "../hub/client_origin.ts";
import type { ConnectOptions } from "../hub/connect_options.ts";
import type { DisconnectReason } from "../hub/disconnect_reason.ts";
import type { StreamLimits } from "../hub/stream_places.ts";
import type { StreamObserver } from "../hub/stream_observer.ts";
import type { Subscriber } from "../hub/subscriber.ts";
import type { Clock } from "../lib/clock.ts";
import { Deque } from "../lib/deque.ts";
import { ownText } from "../lib/own_text.ts";
import { isSimilar } from "../lib/similar_names.ts";
import type { JournalLimits } from "./journal_limits.ts";
import {
  MAX_SIMILAR,
  type RefusalRecord,
  type RefusedFor,
  type StreamEnd,
  type StreamRecord,
  type UserRecord,
} from "./records.ts";
import { rejectionMessage } from "./rejection.ts";

/** What a journal works with. */
export interface JournalDeps {
  readonly limits: JournalLimits;
  /** Those that clients are rejected by. */
  readonly streamLimits: StreamLimits;
  readonly clock: Clock;
  /** The log's newest seq. */
  readonly head: () => number;
}

/** A client that got no stream. */
export interface Refusal {
  readonly why: RefusedFor;
  readonly message: string;
  readonly user: string | undefined;
  readonly isVerified: boolean;
  /** What the stream would have heard; `undefined` if nobody can tell. */
  readonly channels: ChannelGrants | undefined;
  readonly origin: ClientOrigin | undefined;
}

/** What is kept of refusals that are alike: their `channels` are those of all of them. */
type KeptRefusal = Omit<RefusalRecord, "hears"> & Pick<Refusal, "channels">;

/** One question is answered with no more of a user's streams, and of the refusals. */
const MAX_STREAMS = 1000;
const MAX_REFUSALS = 100;

/** For a similar name no more streams are looked at, which takes a few milliseconds. */
const MAX_SEARCHED = 10_000;

/** An answer names no more of a stream's channels. */
const MAX_NAMED = 5;

const LONGEST_MESSAGE = 200;

/** For the channels of streams, as many bytes as so many times the entries: a client may choose a hundred long names. */
const CHANNEL_BYTES_PER_ENTRY = 1000;

/** The header of a text and the pointer to it. */
const BYTES_PER_NAME = 32;

interface EndedStream extends Omit<StreamRecord, "hears" | "channelCount" | "end"> {
  readonly user: string;
  readonly end: StreamEnd;
}

/**
 * Remembers which streams of a hub have ended and who got none, as long as its limits allow. What a stream
 * was given follows from where it began and ended, so nothing is noted for a delivery; open streams are
 * looked at when somebody asks.
 */
export class StreamJournal implements StreamObserver {
  readonly #deps: JournalDeps;
  /** Oldest first. */
  readonly #ended = new Deque<EndedStream>();
  /** How many of them share a list of channels. */
  readonly #lists = new Map<readonly string[], number>();
  /** What these lists take. */
  #listBytes = 0;
  /** By who was refused for what, and from where; the last that was repeated comes last. */
  readonly #refusals = new Map<string, KeptRefusal>();
  /** The same of those whose name no key has signed: anybody can make up as many as he likes. */
  readonly #unverified = new Map<string, KeptRefusal>();
  #beginsMs: number;
  #beginsAfter: number;

  constructor(deps: JournalDeps) {
    this.#deps = deps;
    this.#beginsMs = deps.clock.wall();
    this.#beginsAfter = deps.head();
  }

  /** See `StreamObserver.ended`. */
  ended(subscriber: Subscriber, reason: DisconnectReason): void {
    const { clock, head } = this.#deps;
    const { id, claims: { user, channels, isPublic }, origin, since, progress } = subscriber;
    // Nobody asks for it, and whoever needs no token could push all others out.
    if (isPublic) return;
    const end = { atMs: clock.wall(), reason, head: head() };
    this.#ended.push({ id, user, channels, origin, openedMs: since, progress, end });
    this.#addList(channels);
    this.#trim();
  }

  /** See `StreamObserver.rejected`. */
  rejected(
    reason: DisconnectReason,
    claims: Claims | undefined,
    { origin }: ConnectOptions,
  ): void {
    const user = claims?.isPublic ? undefined : claims?.user;
    this.refused({
      why: reason,
      message: rejectionMessage(reason, user, origin, this.#deps.streamLimits),
      user,
      isVerified: user !== undefined,
      channels: claims && { channels: claims.channels, patterns: [] },
      origin,
    });
  }

  /** Notes a client that got no stream. */
  refused({ message, channels, ...refusal }: Refusal): void {
    const { why, user = "", isVerified, origin } = refusal;
    const key = JSON.stringify([why, user, origin?.address, origin?.proxy]);
    const now = this.#deps.clock.wall();
    const refusals = isVerified ? this.#refusals : this.#unverified;
    const before = refusals.get(key);
    // It belongs at the end.
    refusals.delete(key);
    refusals.set(key, {
      ...refusal,
      message: ownText(message.slice(0, LONGEST_MESSAGE)),
      channels: joinChannels(before === undefined ? [channels] : [before.channels, channels]),
      firstMs: before?.firstMs ?? now,
      lastMs: now,
      count: (before?.count ?? 0) + 1,
    });
    this.#trim();
  }

  /**
   * What is known of a user.
   *
   * @param channel as the answer's `hears` is about.
   * @param open the hub's open streams.
   */
  recordOf(user: string, channel: string, open: Iterable<Subscriber>): UserRecord {
    this.#trim();
    const refusals = this.#refusalsOf(user, channel);
    const { limits, clock, head } = this.#deps;
    const streams: StreamRecord[] = [];
    const similar = new SimilarUsers(user);
    for (const subscriber of open) {
      const { claims, id, origin, since, progress } = subscriber;
      if (claims.isPublic) continue;
      if (claims.user !== user) {
        similar.look(claims.user);
        continue;
      }
      if (streams.length === MAX_STREAMS) {
        // The others may have had any event so far.
        const [beginsMs, beginsAfter] = [clock.wall(), head()];
        return { beginsMs, beginsAfter, hasMoreOpen: true, streams, refusals };
      }
      const { channels } = claims;
      streams.push(
        toRecord({ id, channels, origin, openedMs: since, progress, end: undefined }, channel),
      );
    }
    let [beginsMs, beginsAfter] = limits.entries > 0
      ? [this.#beginsMs, this.#beginsAfter]
      : [clock.wall(), head()];
    for (let n = this.#ended.length - 1; n >= 0; n--) {
      const ended = this.#ended.at(n);
      if (ended === undefined) continue;
      if (ended.user !== user) {
        similar.look(ended.user);
        continue;
      }
      if (streams.length < MAX_STREAMS) streams.push(toRecord(ended, channel));
      else {
        beginsMs = ended.end.atMs;
        beginsAfter = ended.end.head;
        break;
      }
    }
    const similarUsers = streams.length > 0 ? [] : similar.names;
    return { beginsMs, beginsAfter, streams, refusals, similarUsers };
  }

  #refusalsOf(user: string, channel: string): readonly RefusalRecord[] {
    const all = [...this.#unverified.values(), ...this.#refusals.values()]
      .sort((one, other) => other.lastMs - one.lastMs);
    const newest = (of: string | undefined) =>
      all.filter((refusal) => refusal.user === of).slice(0, MAX_REFUSALS)
        .map(({ channels, ...refusal }) => ({
          ...refusal,
          hears: channels && grantsChannel(channels, channel),
        }));
    return [...newest(user), ...newest(undefined)];
  }

  #trim(): void {
    const { limits: { entries, ageMs }, clock } = this.#deps;
    const oldest = clock.wall() - ageMs;
    for (
      let first = this.#ended.first;
      first !== undefined &&
      (this.#ended.length > entries || this.#listBytes > entries * CHANNEL_BYTES_PER_ENTRY ||
        first.end.atMs < oldest);
      first = this.#ended.first
    ) {
      this.#ended.shift();
      this.#removeList(first.channels);
      this.#beginsMs = first.end.atMs;
      this.#beginsAfter = first.end.head;
    }
    for (const refusals of [this.#unverified, this.#refusals]) {
      for (const [key, { lastMs }] of refusals) {
        const count = this.#unverified.size + this.#refusals.size;
        if (count <= entries && lastMs >= oldest) break;
        refusals.delete(key);
      }
    }
  }

  #addList(channels: readonly string[]): void {
    const streams = this.#lists.get(channels) ?? 0;
    this.#lists.set(channels, streams + 1);
    if (streams === 0) this.#listBytes += bytesOf(channels);
  }

  #removeList(channels: readonly string[]): void {
    const streams = this.#lists.get(channels) ?? 0;
    if (streams > 1) {
      this.#lists.set(channels, streams - 1);
      return;
    }
    this.#lists.delete(channels);
    this.#listBytes -= bytesOf(channels);
  }
}

function bytesOf(channels: readonly string[]): number {
  return channels.reduce((bytes, { length }) => bytes + BYTES_PER_NAME + 2 * length, 0);
}

/** `undefined` if the channels of one of them are not known, or if they are too many to be kept. */
function joinChannels(all: readonly (ChannelGrants | undefined)[]): ChannelGrants | undefined {
  const channels = new Set<string>();
  const patterns = new Set<string>();
  for (const one of all) {
    if (one === undefined) return undefined;
    for (const channel of one.channels) channels.add(channel);
    for (const pattern of one.patterns) patterns.add(pattern);
  }
  const joined = { channels: [...channels], patterns: [...patterns] };
  const bytes = bytesOf(joined.channels) + bytesOf(joined.patterns);
  return bytes <= CHANNEL_BYTES_PER_ENTRY ? joined : undefined;
}

function toRecord(
  { id, channels, origin, openedMs, progress, end }:
    & Omit<StreamRecord, "hears" | "channelCount">
    & { readonly user?: string },
  channel: string,
): StreamRecord {
  const hears = isAmong(channels, channel);
  return {
    id,
    hears,
    channels: (hears ? channels : similarFirst(channels, channel)).slice(0, MAX_NAMED),
    channelCount: channels.length,
    origin,
    openedMs,
    progress,
    end,
  };
}

/** Gathers the names of users that may have been meant by another. */
class SimilarUsers {
  readonly #user: string;
  readonly #names = new Set<string>();
  #left = MAX_SEARCHED;

  constructor(user: string) {
    this.#user = user;
  }

  get names(): readonly string[] {
    return [...this.#names];
  }

  look(user: string): void {
    if (this.#left-- <= 0 || this.#names.size === MAX_SIMILAR) return;
    if (isSimilar(this.#user, user)) this.#names.add(user);
  }
}

/** So that one that may have been meant is among those that are named. */
function similarFirst(channels: readonly string[], channel: string): readonly string[] {
  const similar = channels.filter((one) => isSimilar(one, channel));
  return similar.length === 0
    ? channels
    : [...similar, ...channels.filter((one) => !similar.includes(one))];
}
