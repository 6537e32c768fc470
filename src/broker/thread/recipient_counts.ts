import type { RecipientCounts } from "../broker.ts";

/**
 * The recipients of each of some events, of several followers together. A follower that has not answered,
 * or has no count for an event, has no recipients.
 */
export function sumCounts(
  events: number,
  followers: readonly (RecipientCounts | undefined)[],
): RecipientCounts {
  return Array.from(
    { length: events },
    (_, n) => followers.reduce((sum, counts) => sum + (counts?.[n] ?? 0), 0),
  );
}
