import type { RevocationRecord, Revocations, RevocationTarget } from "../../auth/revocations.ts";
import type { Clock } from "../../lib/clock.ts";
import type { Logger } from "../../observability/logger.ts";
import { readRevokeRequest } from "../../requests/revoke_request.ts";
import { answer } from "../answers.ts";
import { contentTypeOf, readFields } from "../body.ts";
import type { BodyLimits } from "../body_limits.ts";
import { listOf, readListRequest } from "../paging.ts";
import type { RouteHandler } from "../router.ts";

/** What became of a revocation. */
export interface Revoked {
  /** Tokens issued up to then are refused, in seconds since 1970. */
  readonly revokedAt: number;
  /** They are refused until then, in seconds since 1970. */
  readonly refusedUntil: number;
  /** The streams that ended; `undefined` if they end, but a thread could not count them in time. */
  readonly streams: number | undefined;
  /** Other servers on the same store whose streams are not counted. */
  readonly unanswered: readonly string[];
}

/** What revoking works with. */
export interface RevokeDeps {
  /** Refuses tokens from now on, and ends their streams; throws if nothing has changed. */
  readonly revoke: (targets: readonly RevocationTarget[]) => Promise<Revoked>;
  /** What is refused. */
  readonly revocations: Revocations;
  readonly bodyLimits: BodyLimits;
  readonly clock: Clock;
  readonly logger: Logger;
}

/** `POST /revoke/`: refuses the tokens of a user, or one token, and ends their streams. */
export function revokeHandler({ revoke, bodyLimits, logger }: RevokeDeps): RouteHandler {
  return async ({ request, query, caller: { keyName } }) => {
    const fields = await readFields(request, contentTypeOf(request), query, bodyLimits);
    const targets = readRevokeRequest(fields);
    const { revokedAt, refusedUntil, streams, unanswered } = await revoke(targets);
    const { named, logged } = describe(targets);
    logger.info("tokens revoked", {
      ...logged,
      ...(streams !== undefined && { streams }),
      ...(keyName && { key: keyName }),
    });
    return answer(200, {
      ...named,
      streamsEnded: streams ?? null,
      unanswered,
      revokedAt: isoTime(revokedAt),
      refusedUntil: isoTime(refusedUntil),
    });
  };
}

/** `GET /revoke/`: the revocations that count now. */
export function revocationsHandler({ revocations, clock }: RevokeDeps): RouteHandler {
  return ({ request, query }) => {
    const list = readListRequest(query, {
      sorts: ["revokedAt", "userId"],
      defaultSort: "-revokedAt",
      filters: ["userId"],
    });
    const { limit, offset, sort, filters: { userId } } = list;
    const all = [...revocations.all(clock.wall() / 1000)].filter((record) =>
      userId === undefined || record.user === userId
    );
    const order = sort.descending ? -1 : 1;
    all.sort((one, other) => order * compare(one, other, sort.by) || tieBreak(one, other));
    const items = all.slice(offset, offset + limit).map(toItem);
    return answer(200, listOf(items, all.length, list, request));
  };
}

/** One revocation of the list, with null for what it does not name. */
function toItem(record: RevocationRecord) {
  const { user = null, channel = null, tokenId = null } = record;
  return {
    userId: user,
    channel,
    jti: tokenId,
    revokedAt: isoTime(record.revokedAt),
    refusedUntil: isoTime(record.forgetAt),
  };
}

function compare(
  one: RevocationRecord,
  other: RevocationRecord,
  by: "revokedAt" | "userId",
): number {
  if (by === "revokedAt") return one.revokedAt - other.revokedAt;
  return compareTexts(one.user, other.user);
}

/** So that the parts of a list fit together. */
function tieBreak(one: RevocationRecord, other: RevocationRecord): number {
  return compareTexts(one.user, other.user) || compareTexts(one.channel, other.channel) ||
    compareTexts(one.tokenId, other.tokenId);
}

function compareTexts(one = "", other = ""): number {
  return one < other ? -1 : Number(one > other);
}

/** What was revoked, for the answer and for the log. */
function describe(targets: readonly RevocationTarget[]) {
  const [first] = targets;
  if (first?.user === undefined) {
    return { named: { jti: first?.tokenId }, logged: { jti: String(first?.tokenId) } };
  }
  const { user } = first;
  const channels = targets.flatMap(({ channel }) => channel ?? []);
  return channels.length === 0
    ? { named: { userId: user }, logged: { user } }
    : { named: { userId: user, channels }, logged: { user, channel: channels } };
}

function isoTime(seconds: number): string {
  return new Date(Math.round(seconds * 1000)).toISOString();
}
