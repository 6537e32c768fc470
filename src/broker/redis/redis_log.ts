import { EVERYONE, type Subscription } from "../../auth/subscription.ts";
import type { Retention } from "../retention.ts";
import { createEvent, type ServerEvent } from "../../sse/event.ts";
import { type LogPosition, newEpoch } from "../../sse/log_position.ts";
import type { Publication } from "../broker.ts";
import { type EventLookup, MAX_MEANT, seqIn } from "../event_lookup.ts";
import {
  MAX_EMPTY_CHANNELS,
  MAX_GONE_PUBLISHER_IDS,
  MAX_KEYS,
  MAX_REMOVED_USERS,
  MAX_SAME_PUBLISHER_IDS,
  resumablePublisherId,
  retainedSize,
} from "../log.ts";
import {
  type ChannelDetails,
  eventsPerMinute,
  RATE_SPAN_MS,
  type RetainedChannel,
  type RetainedEvent,
  type RetainedTotals,
} from "../log_inspector.ts";
import type { HistoryOwner, Removal } from "../removal.ts";
import announceRemovalLua from "./lua/announce_removal.lua" with { type: "text" };
import channelsLua from "./lua/channels.lua" with { type: "text" };
import commonLua from "./lua/common.lua" with { type: "text" };
import countForLua from "./lua/count_for.lua" with { type: "text" };
import detailsLua from "./lua/details.lua" with { type: "text" };
import findLua from "./lua/find.lua" with { type: "text" };
import lookUpLua from "./lua/lookup.lua" with { type: "text" };
import newestLua from "./lua/newest.lua" with { type: "text" };
import nextLua from "./lua/next.lua" with { type: "text" };
import oldestLua from "./lua/oldest.lua" with { type: "text" };
import openLua from "./lua/open.lua" with { type: "text" };
import publishLua from "./lua/publish.lua" with { type: "text" };
import readLua from "./lua/read.lua" with { type: "text" };
import removeChannelLua from "./lua/remove_channel.lua" with { type: "text" };
import removeUserLua from "./lua/remove_user.lua" with { type: "text" };
import saveRecipientCountLua from "./lua/save_recipient_count.lua" with { type: "text" };
import totalsLua from "./lua/totals.lua" with { type: "text" };
import { explained } from "./redis_errors.ts";
import { type RedisSession, type Script, scriptOf, type StreamEntry } from "./redis_session.ts";

const ANNOUNCE_REMOVAL = scriptOf(commonLua, announceRemovalLua);
const CHANNELS = scriptOf(commonLua, channelsLua);
const COUNT_FOR = scriptOf(commonLua, countForLua);
const DETAILS = scriptOf(commonLua, detailsLua);
const FIND = scriptOf(commonLua, findLua);
const LOOK_UP = scriptOf(commonLua, lookUpLua);
const NEWEST = scriptOf(commonLua, newestLua);
const NEXT = scriptOf(commonLua, nextLua);
const OLDEST = scriptOf(commonLua, oldestLua);
const OPEN = scriptOf(commonLua, openLua);
const PUBLISH = scriptOf(commonLua, publishLua);
const READ = scriptOf(commonLua, readLua);
const REMOVE_CHANNEL = scriptOf(commonLua, removeChannelLua);
const REMOVE_USER = scriptOf(commonLua, removeUserLua);
const SAVE_RECIPIENT_COUNT = scriptOf(commonLua, saveRecipientCountLua);
const TOTALS = scriptOf(commonLua, totalsLua);

/** About how many bytes of the newest events Redis keeps for servers that were cut off to catch up. */
const FEED_BYTES = 16 * 2 ** 20;
const FEED_MARKS = 16;

/** One publication as the script takes it. */
export interface PublishRequest extends Publication {
  /** Empty where there is no key. */
  readonly fingerprint: string;
}

type PublishKind = "new" | OtherKind;

/** What the script's numbers for a publication that is not new mean; they count from 1. */
const OTHER_KINDS = ["repeated", "key reused", "too many channels"] as const;

type OtherKind = typeof OTHER_KINDS[number];

/** What became of a publication. */
export interface PublishResult {
  readonly kind: PublishKind;
  /** Of its last event; 0 where it was refused. */
  readonly seq: number;
  /** As it was noted for its key. */
  readonly subscribers: number;
}

/** What became of a call. */
export interface Published {
  readonly epoch: string;
  /** One for each publication. */
  readonly results: readonly PublishResult[];
  /** What it put into the feed; `undefined` where nothing in it was new. */
  readonly entry: FeedEntry | undefined;
}

/** What one call of the publish script put into the feed, or word that events are removed, or were lost. */
export interface FeedEntry {
  readonly seq: number;
  /** The log's last seq before. */
  readonly previous: number;
  readonly epoch: string;
  /** The call's name; `undefined` where the entry brings no events. */
  readonly call: string | undefined;
  /** What is removed; where there is neither this nor a call, the entry says that events were lost. */
  readonly removal?: Removal | undefined;
  /** Decodes its events: not all entries are wanted. */
  readonly events: () => readonly ServerEvent[];
}

/** What is asked of history at a time. */
export interface ReadQuestion {
  readonly position: number;
  readonly user: string;
  /** The channels to read from. */
  readonly channels: readonly string[];
  /** Other channels may have events from this seq on: only what comes before it is read. */
  readonly before: number;
}

/** Where channels go on. */
export interface LookUpAnswer {
  /** The last seq that was dropped from any of them. */
  readonly horizon: number;
  /** A seq before which each has no more event; `undefined` where it has none up to the head. */
  readonly next: readonly (number | undefined)[];
}

/** The next events of channels, and where these go on after them. */
export interface ReadAnswer extends LookUpAnswer {
  readonly events: readonly ServerEvent[];
}

/** Some channels, and where to go on. */
export interface ChannelsAnswer {
  readonly cursor: string;
  readonly channels: readonly RetainedChannel[];
}

/** The log that lives in Redis: one method for each thing that can be done with it. */
export class RedisLog {
  /** See `Retention`. */
  readonly maxChannels: number;
  readonly #prefix: string;
  readonly #retention: Retention;
  readonly #now: (() => number) | undefined;

  /** @param now the wall clock in milliseconds where it is not to be that of Redis, as in tests. */
  constructor(prefix: string, retention: Retention, now?: () => number) {
    this.#prefix = prefix;
    this.#retention = retention;
    this.maxChannels = retention.maxChannels ?? Infinity;
    this.#now = now;
  }

  /** Prepares a new session for everything else. */
  async prepare(session: RedisSession): Promise<void> {
    const forEvents = [FIND, LOOK_UP, NEXT, OLDEST, OPEN, PUBLISH, READ, SAVE_RECIPIENT_COUNT];
    const forRemoval = [ANNOUNCE_REMOVAL, REMOVE_CHANNEL, REMOVE_USER];
    await session.load([...forEvents, ...forRemoval, CHANNELS, COUNT_FOR, DETAILS, NEWEST, TOTALS]);
    await session.tryToRead(`${this.#prefix}feed`);
  }

  /**
   * The log's newest place; makes a log where there is none.
   *
   * @param known the newest place that this server knows: seqs do not go back behind it, and a log
   *   of that epoch that ends before it has lost events.
   * @param hasLost whether the log is known to have gone on from before that place without it.
   * @throws RedisUnsuitable where the log is of a format that this server does not write.
   */
  async open(session: RedisSession, known: LogPosition, hasLost = false): Promise<LogPosition> {
    const args = [known.epoch, String(known.seq), newEpoch(), hasLost ? "1" : "0"];
    const [epoch, seq] = await this.#run(session, OPEN, args) as [string, string];
    return { epoch, seq: Number(seq) };
  }

  /**
   * Publishes in the order given.
   *
   * @param call names the entry in the feed.
   */
  async publish(
    session: RedisSession,
    known: LogPosition,
    call: string,
    requests: readonly PublishRequest[],
  ): Promise<Published> {
    const marks = [String(FEED_BYTES / FEED_MARKS), String(FEED_MARKS)];
    const most = this.maxChannels === Infinity ? "" : String(this.maxChannels);
    const args = [known.epoch, String(known.seq), newEpoch(), call, ...marks, most];
    for (const request of requests) addArguments(args, request);
    const answer = await this.#run(session, PUBLISH, args) as readonly unknown[];
    const [epoch, previous, first, ...others] = answer;
    const results = resultsOf(requests, Number(first), others.map(Number));
    const place = { epoch: String(epoch), previous: Number(previous), call };
    return { epoch: place.epoch, results, entry: entryOf(place, requests, results) };
  }

  /** Notes the count of a receipt, so that the same answer can be given again. */
  async saveRecipientCount(
    session: RedisSession,
    key: string,
    seq: number,
    subscribers: number,
  ): Promise<void> {
    await this.#run(session, SAVE_RECIPIENT_COUNT, [key, String(seq), String(subscribers)]);
  }

  /**
   * The next events of some channels after a position, in order of their seq.
   *
   * @param head the newest place that counts: what comes later is read from the feed.
   * @param maxBytes of events, about; at least one event is given where there is one.
   * @returns `undefined` where the log is another than that of `head`.
   */
  async read(
    session: RedisSession,
    head: LogPosition,
    { position, user, channels, before }: ReadQuestion,
    maxBytes: number,
  ): Promise<ReadAnswer | undefined> {
    const readThrough = Math.min(head.seq, before - 1);
    const numbers = [position, head.seq, readThrough, maxBytes].map(String);
    const args = [head.epoch, ...numbers, user, ...channels];
    const [epoch, horizon, ...rest] = await this.#run(session, READ, args) as readonly string[];
    if (epoch !== head.epoch) return undefined;
    return {
      horizon: Number(horizon),
      next: rest.slice(0, channels.length).map(seqOrUndefined),
      events: eventsOf(rest.slice(channels.length), head.epoch),
    };
  }

  /**
   * Looks up where some channels go on for a user, from a seq up to the head.
   *
   * @returns `undefined` where the log is another than that of `head`.
   */
  async lookUp(
    session: RedisSession,
    head: LogPosition,
    from: number,
    user: string,
    channels: readonly string[],
  ): Promise<LookUpAnswer | undefined> {
    const args = [head.epoch, String(from), String(head.seq), user, ...channels];
    const [epoch, horizon, ...seqs] = await this.#run(session, NEXT, args) as readonly string[];
    if (epoch !== head.epoch) return undefined;
    return { horizon: Number(horizon), next: seqs.map(seqOrUndefined) };
  }

  /** The seq of the oldest retained event of some channels for a user; infinite for none. */
  async oldest(
    session: RedisSession,
    user: string,
    channels: readonly string[],
  ): Promise<number> {
    const seq = await this.#run(session, OLDEST, [user, ...channels]) as string;
    return seqOrUndefined(seq) ?? Infinity;
  }

  /** See `Log.find`. */
  async find(
    session: RedisSession,
    publisherId: string,
    subscription: Subscription,
  ): Promise<number | undefined> {
    const args = [
      publisherId,
      String(MAX_SAME_PUBLISHER_IDS),
      subscription.user,
      ...subscription.channels,
    ];
    const seq = Number(await this.#run(session, FIND, args));
    return seq < 0 ? undefined : seq;
  }

  /**
   * Tells all servers that events are about to be removed, and takes them out of the feed.
   *
   * @returns the seq of the notice in the feed; `undefined` where the log is another than that of the epoch.
   */
  async announceRemoval(
    session: RedisSession,
    epoch: string,
    removal: Removal,
  ): Promise<number | undefined> {
    const last = await this.#lastInFeed(session, removal);
    const args = [epoch, JSON.stringify(removal), String(last)];
    const [found, seq] = await this.#run(session, ANNOUNCE_REMOVAL, args) as readonly string[];
    return found === epoch ? Number(seq) : undefined;
  }

  /** Removes events, some in each step; yields how many. */
  async *remove(
    session: RedisSession,
    epoch: string,
    { of, through }: Removal,
  ): AsyncIterable<number> {
    for (let next = "0"; next !== "";) {
      const answer = await ("channel" in of
        ? this.#run(session, REMOVE_CHANNEL, [epoch, of.channel, String(through)])
        : this.#run(session, REMOVE_USER, [
          ...[epoch, of.user, String(through)],
          ...[String(MAX_REMOVED_USERS), next],
        ]));
      const [found, count, following = ""] = answer as readonly [string, number?, string?];
      // What was to be removed is gone with its log.
      if (found !== epoch) {
        return;
      }
      yield Number(count);
      next = following;
    }
  }

  /** The seq of the last entry of the feed with an event that is to be removed; 0 where there is none. */
  async #lastInFeed(session: RedisSession, { of, through }: Removal): Promise<number> {
    let found = 0;
    for (let last = 0; last < through;) {
      const page = await this.feedAfter(session, last);
      if (page.length === 0) break;
      for (const entry of page) {
        last = entry.seq;
        if (entry.events().some((event) => isOf(event, of))) found = entry.seq;
      }
    }
    return found;
  }

  /**
   * See `Broker.lookUp`.
   *
   * @param epoch of the log that the id may be of.
   */
  async lookUpEvent(
    session: RedisSession,
    epoch: string,
    id: string,
    channel: string,
    user = EVERYONE,
  ): Promise<EventLookup> {
    const seq = seqIn(epoch, id);
    const asked = [String(seq ?? ""), seq === undefined ? id : ""];
    const args = [...asked, String(MAX_MEANT), user, channel];
    const answer = await this.#run(session, LOOK_UP, args) as readonly string[];
    const [found = "", last, horizon, ...rest] = answer;
    const head = { seq: Number(last), epoch: found };
    return { head, seq, events: eventsOf(rest, epoch), horizon: Number(horizon) };
  }

  /** See `LogInspector.totals`. */
  async totals(session: RedisSession): Promise<RetainedTotals> {
    const [events, bytes, channels] = await this.#run(session, TOTALS, []) as readonly unknown[];
    return { events: Number(events), bytes: Number(bytes), channels: Number(channels) };
  }

  /**
   * Some of the channels that have retained events.
   *
   * @param cursor `0` to begin with, then that of the answer before.
   * @param about how many are wanted; there may be more.
   * @returns with the cursor to go on from; `0` at the end.
   */
  async channels(session: RedisSession, cursor: string, about: number): Promise<ChannelsAnswer> {
    const answer = await this.#run(session, CHANNELS, [
      cursor,
      String(about),
    ]) as readonly unknown[];
    const channels = chunks(answer.slice(1), 3).map(([name, events, bytes]) => ({
      name: String(name),
      events: Number(events),
      bytes: Number(bytes),
    }));
    return { cursor: String(answer[0]), channels };
  }

  /** See `LogInspector.details`; some hundred channels at a time. */
  async details(
    session: RedisSession,
    names: readonly string[],
  ): Promise<readonly ChannelDetails[]> {
    const args = [String(RATE_SPAN_MS * 1000), ...names];
    const [now, ...rest] = await this.#run(session, DETAILS, args) as readonly string[];
    return chunks(rest, 6).map((
      [events, bytes, first = "-1", last = "-1", recent, horizon],
      n,
    ) => ({
      name: names[n] ?? "",
      events: Number(events),
      bytes: Number(bytes),
      firstSeq: seqOrUndefined(first),
      lastSeq: seqOrUndefined(last),
      eventsPerMinute: eventsPerMinute(Number(recent), Number(horizon), Number(now) / 1000),
    }));
  }

  /** See `LogInspector.newest`. */
  async newest(
    session: RedisSession,
    channel: string,
    limit: number,
  ): Promise<readonly RetainedEvent[]> {
    const answer = await this.#run(session, NEWEST, [String(limit), channel]) as readonly string[];
    return chunks(answer, 3).map(([seq, retained, user]) => ({
      seq: Number(seq),
      user: String(user),
      bytes: Number(retained) - retainedSize({ size: 0 }),
    }));
  }

  /** See `LogInspector.countFor`; some hundred channels at a time. */
  async countFor(
    session: RedisSession,
    user: string,
    channels: readonly string[],
  ): Promise<readonly number[]> {
    return await this.#run(session, COUNT_FOR, [user, ...channels]) as readonly number[];
  }

  /** The next entries of the feed after a seq that are there. */
  async feedAfter(session: RedisSession, seq: number): Promise<readonly FeedEntry[]> {
    return (await session.entriesAfter(`${this.#prefix}feed`, seq)).map(decodeEntry);
  }

  /** The next entries of the feed after a seq; waits for the first, and answers none where none came. */
  async nextOfFeed(session: RedisSession, seq: number): Promise<readonly FeedEntry[]> {
    return (await session.nextEntries(`${this.#prefix}feed`, seq)).map(decodeEntry);
  }

  async #run(
    session: RedisSession,
    script: Script,
    args: readonly string[],
  ): Promise<unknown> {
    const { eventsPerChannel, ageMs, bytesPerChannel, totalBytes } = this.#retention;
    const limits = [eventsPerChannel, ageMs, bytesPerChannel, totalBytes];
    const most = [MAX_EMPTY_CHANNELS, MAX_KEYS, MAX_GONE_PUBLISHER_IDS];
    const now = this.#now === undefined ? "" : String(Math.floor(this.#now() * 1000));
    const common = [this.#prefix, now, ...[...limits, ...most].map(String)];
    try {
      return await session.run(script, [...common, ...args]);
    } catch (error) {
      throw explained(error);
    }
  }
}

function isOf({ channel, user }: ServerEvent, of: HistoryOwner): boolean {
  return "channel" in of ? channel === of.channel : user === of.user;
}

function addArguments(
  args: string[],
  { drafts, idempotencyKey, fingerprint }: PublishRequest,
): void {
  const count = String(drafts.length);
  args.push(idempotencyKey === undefined ? count : `${count} ${fingerprint} ${idempotencyKey}`);
  for (const draft of drafts) {
    const { channel, user, block } = draft;
    // Its own id and its size are the same in any place.
    const event = createEvent(draft, 0, "000000");
    const publisherId = resumablePublisherId(event) ?? "";
    const json = JSON.stringify([channel, user, block]);
    args.push(channel, user, publisherId, String(retainedSize(event)), json);
  }
}

/**
 * What became of each publication.
 *
 * @param first the seq of the first new event.
 * @param others four numbers for each publication that is not new, as the script answers them.
 */
function resultsOf(
  requests: readonly PublishRequest[],
  first: number,
  others: readonly number[],
): readonly PublishResult[] {
  let last = first - 1;
  let next = 0;
  return requests.map(({ drafts }, number) => {
    if (others[next] !== number) {
      return { kind: "new", seq: last += drafts.length, subscribers: 0 };
    }
    const [, kind = 0, seq = 0, subscribers = 0] = others.slice(next, next += 4);
    return { kind: OTHER_KINDS[kind - 1] as OtherKind, seq, subscribers };
  });
}

function decodeEntry([id, fields]: StreamEntry): FeedEntry {
  const [, previous, , epoch = "", kind, what = "", ...rest] = fields;
  return {
    seq: Number.parseInt(id),
    previous: Number(previous),
    epoch,
    call: kind === "call" ? what : undefined,
    removal: kind === "removed" ? JSON.parse(what) as Removal : undefined,
    events: () => eventsOf(rest, epoch),
  };
}

/** What a call has put into the feed. */
function entryOf(
  place: Pick<FeedEntry, "epoch" | "previous" | "call">,
  requests: readonly PublishRequest[],
  results: readonly PublishResult[],
): FeedEntry | undefined {
  const newest = results.findLast(({ kind }) => kind === "new");
  if (newest === undefined) return undefined;
  const events = () =>
    results.flatMap(({ kind, seq }, n) => {
      const drafts = kind === "new" ? requests[n]?.drafts ?? [] : [];
      return drafts.map((draft, m) => createEvent(draft, seq - drafts.length + 1 + m, place.epoch));
    });
  return { ...place, seq: newest.seq, events };
}

function chunks<T>(list: readonly T[], length: number): readonly (readonly T[])[] {
  return Array.from(
    { length: list.length / length },
    (_, n) => list.slice(n * length, (n + 1) * length),
  );
}

function seqOrUndefined(text: string): number | undefined {
  return text === "-1" ? undefined : Number(text);
}

/** @param pairs a seq and its event's JSON in turn. */
function eventsOf(pairs: readonly string[], epoch: string): readonly ServerEvent[] {
  const events: ServerEvent[] = [];
  for (let n = 0; n + 1 < pairs.length; n += 2) {
    const [channel, user, block] = JSON.parse(String(pairs[n + 1])) as [string, string, string];
    events.push(createEvent({ channel, user, block }, Number(pairs[n]), epoch));
  }
  return events;
}
