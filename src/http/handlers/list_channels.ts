import type { ChannelDetails, RetainedChannel } from "../../broker/log_inspector.ts";
import { joinCounts } from "../../hub/channel_counts.ts";
import { compare, FirstItems, type Order } from "../../lib/first_items.ts";
import { pause } from "../../lib/pause.ts";
import { formatId } from "../../sse/log_position.ts";
import { answer } from "../answers.ts";
import { listOf, type ListRequest, readListRequest, type SortOrder } from "../paging.ts";
import type { RouteHandler } from "../router.ts";
import type { AskHubs } from "./hub_questions.ts";
import { fromStore, type RetainedChannels } from "./retained_channels.ts";

/** What the list of channels works with. */
export interface ListChannelsDeps {
  readonly ask: AskHubs;
  readonly retained: RetainedChannels;
  /** The epoch of the log, which its ids end in. */
  readonly epoch: () => string;
}

const SORTS = ["name", "subscribers", "events", "bytes", "eventsPerMinute"] as const;
type Sort = typeof SORTS[number];

type Asked = ListRequest<Sort, "search">;

/** As far as a channel's place in the list depends on it. */
interface ListedChannel extends RetainedChannel {
  readonly subscribers: number;
  /** `undefined` if it is unknown, or the list is sorted by something else. */
  readonly eventsPerMinute: number | undefined;
}

/** Finds out the rates of channels, where the list is sorted by them. */
type Rate = (channels: readonly { readonly name: string }[]) => Promise<readonly ChannelDetails[]>;

/** A part of the list, and its length. */
interface Part {
  readonly channels: readonly ListedChannel[];
  readonly total: number;
}

/** Channels added to a list in a turn of the event loop: about a millisecond of work. */
const CHANNELS_AT_A_TIME = 2000;

/** `GET /channels/`: the channels that have subscribers or retained events. It throws BadField and WorkerSilent. */
export function listChannelsHandler(deps: ListChannelsDeps): RouteHandler {
  return async ({ request, query }) => {
    const asked: Asked = readListRequest(query, {
      sorts: SORTS,
      defaultSort: "name",
      filters: ["search"],
    });
    const { search = "" } = asked.filters;
    const subscribers = joinCounts(await deps.ask("countStreams", search));
    const all = await fromStore(() => listAll(deps, subscribers, asked));
    if ("failure" in all) return await answerWithoutStore(all.failure, subscribers, asked, request);
    const { channels, total } = all.found;
    const details = await fromStore(() =>
      deps.retained.inspector.details(channels.map(({ name }) => name))
    );
    if ("failure" in details) {
      return await answerWithoutStore(details.failure, subscribers, asked, request);
    }
    const items = channels.map(({ name, subscribers }, index) => ({
      name,
      subscribers,
      ...retainedFields(details.found[index], deps.epoch()),
    }));
    return answer(200, listOf(items, total, asked, request));
  };
}

/** What is told of a channel's retained events; null for all of it while the store is away. */
export function retainedFields(details: ChannelDetails | undefined, epoch: string) {
  const idOf = (seq: number | undefined) => seq === undefined ? null : formatId(seq, epoch);
  return {
    events: details?.events ?? null,
    bytes: details?.bytes ?? null,
    firstId: idOf(details?.firstSeq),
    lastId: idOf(details?.lastSeq),
    eventsPerMinute: details?.eventsPerMinute ?? null,
  };
}

/** @throws StoreUnavailable */
async function listAll(
  { retained }: ListChannelsDeps,
  subscribers: ReadonlyMap<string, number>,
  { sort, offset, limit, filters: { search = "" } }: Asked,
): Promise<Part> {
  const first = new FirstItems(offset + limit, orderOf(sort));
  const others = new Map(subscribers);
  const rate: Rate = async (channels) =>
    sort.by === "eventsPerMinute"
      ? await retained.inspector.details(channels.map(({ name }) => name))
      : [];
  let total = 0;
  await retained.visit(async (part) => {
    const fitting = part.filter(({ name }) => name.includes(search));
    const rated = await rate(fitting);
    fitting.forEach((channel, index) => {
      const { name } = channel;
      others.delete(name);
      first.add({
        ...channel,
        subscribers: subscribers.get(name) ?? 0,
        eventsPerMinute: rated[index]?.eventsPerMinute,
      });
    });
    total += fitting.length;
  });
  await addUnretained(first, others, rate);
  return { channels: first.sorted().slice(offset), total: total + others.size };
}

async function addUnretained(
  first: FirstItems<ListedChannel>,
  subscribers: ReadonlyMap<string, number>,
  rate: Rate,
): Promise<void> {
  const channels = [...subscribers].map(([name, subscribers]) => ({ name, subscribers }));
  for (let start = 0; start < channels.length; start += CHANNELS_AT_A_TIME) {
    if (start > 0) await pause();
    const part = channels.slice(start, start + CHANNELS_AT_A_TIME);
    const rated = await rate(part);
    part.forEach((channel, index) =>
      first.add({
        ...channel,
        events: 0,
        bytes: 0,
        eventsPerMinute: rated[index]?.eventsPerMinute,
      })
    );
  }
}

async function answerWithoutStore(
  failure: string,
  subscribers: ReadonlyMap<string, number>,
  asked: Asked,
  request: Request,
): Promise<Response> {
  const { sort, offset, limit } = asked;
  const first = new FirstItems(offset + limit, orderOf(sort));
  await addUnretained(first, subscribers, () => Promise.resolve([]));
  const items = first.sorted().slice(offset).map(({ name, subscribers }) => ({
    name,
    subscribers,
    ...retainedFields(undefined, ""),
  }));
  return answer(200, { ...listOf(items, subscribers.size, asked, request), store: failure });
}

function orderOf({ by, descending }: SortOrder<Sort>): Order<ListedChannel> {
  const sign = descending ? -1 : 1;
  return (one, other) =>
    sign * compare(one[by] ?? -1, other[by] ?? -1) || compare(one.name, other.name);
}
