import type { DisconnectReason } from "./disconnect_reason.ts";

/** How many streams a hub has, and has had. */
export interface Census {
  /** Open streams. */
  readonly subscribers: number;
  /** Streams that have ended since the start, by disconnect reason. */
  readonly disconnects: Readonly<Partial<Record<DisconnectReason, number>>>;
}

/** The census of several hubs together. */
export function sumOf(censuses: readonly Census[]): Census {
  let subscribers = 0;
  const disconnects: Partial<Record<DisconnectReason, number>> = {};
  for (const census of censuses) {
    subscribers += census.subscribers;
    for (const [reason, count] of Object.entries(census.disconnects)) {
      const name = reason as DisconnectReason; // The keys of its type.
      disconnects[name] = (disconnects[name] ?? 0) + count;
    }
  }
  return { subscribers, disconnects };
}
