import type { Subscription } from "../auth/subscription.ts";
import type { Broker } from "../broker/broker.ts";
import type { Clock } from "../lib/clock.ts";
import { reasonOf, StoreUnavailable } from "../lib/errors.ts";
import type { ServerEvent } from "../sse/event.ts";

const BATCH_BYTES = 65_536;

/** How long a store may take. */
const PATIENCE_MS = 5000;

/** The retained events of a subscription after a position. */
export interface ReadEvents {
  readonly events: readonly ServerEvent[];
  /** Whether there are more than were asked for. */
  readonly isCut: boolean;
  /** Whether some that may match are retained no longer. */
  readonly hasGap: boolean;
}

/**
 * Reads up to `most` events after a seq, oldest first.
 *
 * @throws StoreUnavailable if the store takes too long, or fails.
 */
export async function readEvents(
  broker: Pick<Broker, "openReader">,
  subscription: Subscription,
  after: number,
  most: number,
  clock: Pick<Clock, "steady">,
): Promise<ReadEvents> {
  const reader = broker.openReader(subscription, { position: after, gapReportedThrough: after });
  const deadline = clock.steady() + PATIENCE_MS;
  const events: ServerEvent[] = [];
  let hasGap = false;
  try {
    while (events.length <= most) {
      const batch = reader.next(BATCH_BYTES);
      if (batch === undefined) {
        if (clock.steady() > deadline) throw new Error("it takes too long");
        await reader.ready();
        continue;
      }
      events.push(...batch.events);
      hasGap ||= batch.gap !== undefined;
      if (batch.reachesHead) break;
    }
  } catch (error) {
    throw new StoreUnavailable(`Cannot look into the store: ${reasonOf(error)}.`);
  } finally {
    reader.close();
  }
  return { events: events.slice(0, most), isCut: events.length > most, hasGap };
}
