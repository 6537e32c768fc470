import { wholeMilliseconds } from "../lib/clock.ts";
import { grantsChannel, toGrants } from "./channel_grants.ts";
import type { Claims } from "./claims.ts";

/** Which tokens a revocation is for: those of a user, for all their channels or one of them; or one token. */
export type RevocationTarget =
  | {
    readonly user: string;
    /** A channel or a pattern. Default: all channels of the tokens. */
    readonly channel?: string;
    readonly tokenId?: never;
  }
  | {
    /** The token's `jti`. */
    readonly tokenId: string;
    readonly user?: never;
    readonly channel?: never;
  };

/** Tokens that are refused from now on. Plain data: it is stored, and sent to threads and servers. */
export type RevocationRecord = RevocationTarget & {
  /**
   * Tokens of the user that were issued up to then are refused, in seconds since 1970; so are those that do
   * not tell when they were issued.
   */
  readonly revokedAt: number;
  /** From then on it does not count any more, in seconds since 1970. */
  readonly forgetAt: number;
};

/** The most revocations that are remembered. */
export const MAX_REVOCATIONS = 100_000;

/**
 * An `iat` that is further ahead tells nothing, as one in milliseconds: it would be later than every revocation. A
 * clock that is set wrong, by its time zone, is off by less.
 */
const FURTHEST_AHEAD_SECONDS = 86_400;

/** How often those whose time is over are looked for. */
const FORGET_EVERY_SECONDS = 60;

/** What was revoked of one user: records by channel, or by an empty text if all channels are meant. */
type UserRecords = Map<string, RevocationRecord>;

/** The revocations that are known. What it costs a token does not grow with their number. */
export class Revocations {
  readonly #users = new Map<string, UserRecords>();
  readonly #tokens = new Map<string, RevocationRecord>();
  #size = 0;
  #forgotAt = -Infinity;

  /** How many there are, with those whose time was over up to a minute ago. */
  count(nowSeconds: number): number {
    this.#forgetOld(nowSeconds);
    return this.#size;
  }

  /**
   * Takes records. Of two with one target, the later times count.
   *
   * @returns what is new in them.
   */
  add(records: Iterable<RevocationRecord>, nowSeconds: number): readonly RevocationRecord[] {
    this.#forgetOld(nowSeconds);
    const news: RevocationRecord[] = [];
    for (const record of records) {
      if (record.forgetAt <= nowSeconds) continue;
      const known = this.find(record);
      const merged = known === undefined || known.forgetAt <= nowSeconds
        ? record
        : later(known, record);
      if (merged === known) continue;
      this.#put(merged);
      news.push(merged);
    }
    return news;
  }

  /** The record with a target; `undefined` for none. */
  find(target: RevocationTarget): RevocationRecord | undefined {
    return target.tokenId !== undefined
      ? this.#tokens.get(target.tokenId)
      : this.#users.get(target.user)?.get(target.channel ?? "");
  }

  /** All that count now, in no order. */
  *all(nowSeconds: number): Generator<RevocationRecord, void> {
    for (const records of this.#users.values()) yield* kept(records.values(), nowSeconds);
    yield* kept(this.#tokens.values(), nowSeconds);
  }

  /**
   * The channels that a stream with these claims may hear: the very list of the claims if nothing of it is
   * revoked, an empty one if the token is refused.
   */
  allowed(claims: Claims, nowSeconds: number): readonly string[] {
    const { user, channels, tokenId, issuedAt, isPublic } = claims;
    // Nobody is thrown out of a stream that needs no token.
    if (this.#size === 0 || isPublic) return channels;
    const ofToken = tokenId === undefined ? undefined : this.#tokens.get(tokenId);
    if (ofToken !== undefined && ofToken.forgetAt > nowSeconds) return [];
    const ofUser = this.#users.get(user);
    if (ofUser === undefined) return channels;
    // From the last revocation, if that is ahead: tokens of `/token/` are later, though the clock was set back.
    const furthest = Math.max(nowSeconds, this.timeAfterLast(user)) + FURTHEST_AHEAD_SECONDS;
    const issued = issuedAt !== undefined && issuedAt <= furthest ? issuedAt : -Infinity;
    const revoked: string[] = [];
    for (const [channel, { revokedAt, forgetAt }] of ofUser) {
      if (forgetAt <= nowSeconds || issued > revokedAt) continue;
      if (channel === "") return [];
      revoked.push(channel);
    }
    if (revoked.length === 0) return channels;
    const grants = toGrants(revoked);
    const allowed = channels.filter((channel) => !grantsChannel(grants, channel));
    return allowed.length === channels.length ? channels : allowed;
  }

  /**
   * The first time after everything that was revoked of a user, whatever the clocks of this server and of
   * others say. In seconds since 1970; `-Infinity` if nothing was.
   */
  timeAfterLast(user: string): number {
    let last = -Infinity;
    for (const { revokedAt } of this.#users.get(user)?.values() ?? []) {
      last = Math.max(last, revokedAt);
    }
    return wholeMilliseconds(last + 0.001);
  }

  #put(record: RevocationRecord): void {
    if (record.tokenId !== undefined) {
      if (!this.#tokens.has(record.tokenId)) this.#size++;
      this.#tokens.set(record.tokenId, record);
      return;
    }
    let records = this.#users.get(record.user);
    if (records === undefined) this.#users.set(record.user, records = new Map());
    const channel = record.channel ?? "";
    if (!records.has(channel)) this.#size++;
    records.set(channel, record);
  }

  /** Not at each call: it looks at all of them. */
  #forgetOld(nowSeconds: number): void {
    if (nowSeconds - this.#forgotAt < FORGET_EVERY_SECONDS && nowSeconds >= this.#forgotAt) return;
    this.#forgotAt = nowSeconds;
    this.#size -= removeOld(this.#tokens, nowSeconds);
    for (const [user, records] of this.#users) {
      this.#size -= removeOld(records, nowSeconds);
      if (records.size === 0) this.#users.delete(user);
    }
  }
}

/** A text that is equal for equal targets; {@link targetOfKey} reads it. */
export function keyOfTarget(target: RevocationTarget): string {
  if (target.tokenId !== undefined) return JSON.stringify({ tokenId: target.tokenId });
  const { user, channel } = target;
  return JSON.stringify({ user, channel });
}

/** The target that {@link keyOfTarget} wrote. */
export function targetOfKey(key: string): RevocationTarget {
  return JSON.parse(key) as RevocationTarget;
}

/** One record with the later of the times of two; the first itself if that has them. */
function later(known: RevocationRecord, record: RevocationRecord): RevocationRecord {
  const revokedAt = Math.max(known.revokedAt, record.revokedAt);
  const forgetAt = Math.max(known.forgetAt, record.forgetAt);
  if (revokedAt === known.revokedAt && forgetAt === known.forgetAt) return known;
  return { ...known, revokedAt, forgetAt };
}

function* kept(
  records: Iterable<RevocationRecord>,
  nowSeconds: number,
): Generator<RevocationRecord, void> {
  for (const record of records) if (record.forgetAt > nowSeconds) yield record;
}

/** Returns how many there were. */
function removeOld(records: Map<string, RevocationRecord>, nowSeconds: number): number {
  let removed = 0;
  for (const [key, { forgetAt }] of records) {
    if (forgetAt > nowSeconds) continue;
    records.delete(key);
    removed++;
  }
  return removed;
}
