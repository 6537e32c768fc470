import type { Channels } from "./channels.ts";

/** A user, how many open streams of the user hear a channel, and since when one does, in milliseconds since 1970. */
export type PresentUser = readonly [user: string, streams: number, since: number];

/** Who hears a channel. Plain data, so that it can come from another thread or server. */
export interface Presence {
  /** Each user once, in no particular order. */
  readonly users: readonly PresentUser[];
  /** Streams without a token, and so without a user. */
  readonly anonymousStreams: number;
}

/** Looks up who hears a channel. */
export function findPresence(channels: Channels, name: string): Presence {
  const users = new Map<string, PresentUser>();
  let anonymousStreams = 0;
  for (const { claims, since } of channels.get(name)?.all() ?? []) {
    if (claims.isPublic) anonymousStreams++;
    else addTo(users, [claims.user, 1, since]);
  }
  return { users: [...users.values()], anonymousStreams };
}

/** What several hubs or servers found, as one. */
export function joinPresences(presences: readonly Presence[]): Presence {
  const [only, ...others] = presences;
  if (only !== undefined && others.length === 0) return only;
  const users = new Map<string, PresentUser>();
  let anonymousStreams = 0;
  for (const presence of presences) {
    anonymousStreams += presence.anonymousStreams;
    for (const present of presence.users) addTo(users, present);
  }
  return { users: [...users.values()], anonymousStreams };
}

/** Whether a value, which another process has sent, is a presence. */
export function isPresence(value: unknown): value is Presence {
  const { users, anonymousStreams } = (value ?? {}) as Partial<Presence>;
  return typeof anonymousStreams === "number" && Array.isArray(users) && users.every(isPresentUser);
}

function isPresentUser(value: unknown): value is PresentUser {
  if (!Array.isArray(value)) return false;
  const [user, streams, since] = value;
  return typeof user === "string" && typeof streams === "number" && typeof since === "number";
}

function addTo(users: Map<string, PresentUser>, present: PresentUser): void {
  const [user, streams, since] = present;
  const known = users.get(user);
  users.set(
    user,
    known === undefined ? present : [user, known[1] + streams, Math.min(known[2], since)],
  );
}
