import {
  joinRanked,
  STREAM_SORTS,
  type StreamDetails,
  type StreamFilter,
  type StreamSort,
} from "../../hub/stream_list.ts";
import { answer } from "../answers.ts";
import { listOf, type ListRequest, readListRequest } from "../paging.ts";
import type { RouteHandler } from "../router.ts";
import type { AskHubs } from "./hub_questions.ts";

/** Some of the streams, as they are answered, and how many there are in all. */
export interface FoundStreams {
  readonly items: readonly object[];
  readonly total: number;
}

/** `GET /streams/`: the open streams of this server. It throws BadField and WorkerSilent. */
export function listStreamsHandler(ask: AskHubs): RouteHandler {
  return async ({ request, query }) => {
    const asked = readListRequest(query, {
      sorts: STREAM_SORTS,
      defaultSort: "since",
      filters: ["user", "channel"],
    });
    const { items, total } = await findStreams(ask, asked.filters, asked);
    return answer(200, listOf(items, total, asked, request));
  };
}

/**
 * Finds streams of all hubs. A stream that ends at this moment may be missing.
 *
 * @throws WorkerSilent
 */
export async function findStreams(
  ask: AskHubs,
  filter: StreamFilter,
  { sort, offset, limit }: Pick<ListRequest<StreamSort>, "sort" | "offset" | "limit">,
): Promise<FoundStreams> {
  const most = offset + limit;
  const ranked = await ask("rankStreams", filter, sort, most);
  const { first, total } = joinRanked(ranked, sort, most);
  const ids = first.slice(offset).map(([, id]) => id);
  if (ids.length === 0) return { items: [], total };
  const found = new Map<string, object>();
  for (const [worker, details] of (await ask("streamDetails", ids)).entries()) {
    for (const stream of details) found.set(stream.id, itemOf(stream, worker));
  }
  return { items: ids.map((id) => found.get(id)).filter((item) => item !== undefined), total };
}

function itemOf(stream: StreamDetails, worker: number) {
  const { origin, tokenExpires } = stream;
  return {
    stream: stream.id,
    user: stream.user ?? null,
    channels: stream.channels,
    channelCount: stream.channelCount,
    since: isoTime(stream.since),
    address: origin?.address ?? null,
    proxy: origin?.proxy ?? null,
    userAgent: origin?.userAgent ?? null,
    position: stream.position ?? null,
    live: stream.isLive,
    unsentBytes: stream.unsentBytes,
    behindSeconds: stream.behindSeconds ?? null,
    tokenExpires: tokenExpires === undefined ? null : isoTime(tokenExpires * 1000),
    worker,
  };
}

/** @param ms since 1970; a token may name a time that no calendar has. */
function isoTime(ms: number): string | null {
  const date = new Date(ms);
  return Number.isNaN(date.getTime()) ? null : date.toISOString();
}
