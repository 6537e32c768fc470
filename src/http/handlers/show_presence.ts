import { isPattern } from "../../auth/channel_grants.ts";
import type { PresentUser } from "../../hub/presence.ts";
import { BadField, UnknownField } from "../../lib/errors.ts";
import { shown } from "../../lib/shown_text.ts";
import { checkName } from "../../requests/fields.ts";
import { answer } from "../answers.ts";
import { listOf, readListRequest, type SortOrder } from "../paging.ts";
import type { RoutedRequest, RouteHandler } from "../router.ts";
import { LONGEST_GRACE_SECONDS } from "./presence_feed.ts";
import type { PresenceReport } from "./presence_report.ts";
import type { PresenceStreams } from "./presence_streams.ts";

/** What telling who is here works with. */
export interface PresenceDeps {
  /** Who hears a channel; throws WorkerSilent if a worker of this server does not answer. */
  readonly presence: (channel: string) => Promise<PresenceReport>;
  readonly presenceStreams: PresenceStreams;
}

const SORTS = ["user", "streams", "since"] as const;
type Sort = typeof SORTS[number];

const DEFAULT_GRACE_SECONDS = 5;

/**
 * `GET /presence/`: the users who hear a channel, as a list, or as a stream of those who join and leave. It
 * throws BadField and WorkerSilent.
 */
export function presenceHandler(deps: PresenceDeps): RouteHandler {
  return (routed) => wantsStream(routed.request) ? openStream(deps, routed) : list(deps, routed);
}

async function list(deps: PresenceDeps, { request, query }: RoutedRequest): Promise<Response> {
  const asked = readListRequest(query, {
    sorts: SORTS,
    defaultSort: "user",
    filters: ["channel"],
  });
  const channel = readChannel(asked.filters.channel);
  const { users, anonymousStreams, unanswered } = await deps.presence(channel);
  const items = users.toSorted(orderBy(asked.sort))
    .slice(asked.offset, asked.offset + asked.limit)
    .map(([user, streams, since]) => ({ user, streams, since: new Date(since).toISOString() }));
  return answer(200, {
    ...listOf(items, users.length, asked, request),
    anonymousStreams,
    ...(unanswered.length > 0 && { unanswered }),
  });
}

async function openStream(
  deps: PresenceDeps,
  { query, caller }: RoutedRequest,
): Promise<Response> {
  const fields = readFields(query);
  const channel = readChannel(fields.get("channel"));
  const graceMs = readGrace(fields.get("grace")) * 1000;
  return await deps.presenceStreams.open(caller, channel, graceMs);
}

function wantsStream(request: Request): boolean {
  return request.headers.get("Accept")?.includes("text/event-stream") ?? false;
}

/** @throws BadField for an unknown or repeated field. */
function readFields(query: URLSearchParams | undefined): ReadonlyMap<string, string> {
  const fields = new Map<string, string>();
  for (const [name, value] of query ?? []) {
    if (name !== "channel" && name !== "grace") {
      throw new UnknownField(name, `Bad field ${shown(name)}: this stream takes channel, grace.`);
    }
    if (fields.has(name)) throw new BadField(name, `Bad field ${name}: it was given twice.`);
    fields.set(name, value);
  }
  return fields;
}

/** @throws BadField */
function readChannel(channel: string | undefined): string {
  if (!channel) throw new BadField("channel", "Missing field channel: the channel's name.");
  checkName("channel", channel);
  if (!isPattern(channel)) return channel;
  throw new BadField(
    "channel",
    "Bad field channel: it ends in *; ask for each channel by its whole name.",
  );
}

/** In whole seconds: each further grace time that is asked for costs every look something. @throws BadField */
function readGrace(text: string | undefined): number {
  if (text === undefined) return DEFAULT_GRACE_SECONDS;
  const seconds = /^[0-9]{1,2}$/.test(text) ? Number(text) : NaN;
  if (seconds <= LONGEST_GRACE_SECONDS) return seconds;
  throw new BadField(
    "grace",
    `Bad field grace: it must be a whole number of seconds from 0 to ${LONGEST_GRACE_SECONDS}.`,
  );
}

function orderBy({ by, descending }: SortOrder<Sort>) {
  const field = SORTS.indexOf(by);
  const sign = descending ? -1 : 1;
  return (one: PresentUser, other: PresentUser): number =>
    sign * compare(one[field], other[field]) || compare(one[0], other[0]);
}

function compare<T extends string | number | undefined>(one: T, other: T): number {
  if (one === other || one === undefined || other === undefined) return 0;
  return one < other ? -1 : 1;
}
