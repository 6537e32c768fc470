/**
 * A broker in another process, for tests that wait with `settle` until nothing is left to do.
 *
 * @module
 */
import type { Outcome, Publication } from "../../../src/broker/broker.ts";
import type { Batch, Cursor } from "../../../src/broker/log.ts";
import type { Subscription } from "../../../src/auth/subscription.ts";
import { settleWith } from "../hub/fake_time.ts";
import { PassingBroker } from "./passing_broker.ts";

/** Passes everything on to the real broker; `settle` waits for what that has been asked. */
export class AwaitedBroker extends PassingBroker {
  override publish(
    publications: readonly Publication[],
  ): readonly Outcome[] | Promise<readonly Outcome[]> {
    return awaited(super.publish(publications));
  }

  override read(
    cursor: Cursor,
    subscription: Subscription,
    maxBytes: number,
  ): Batch | Promise<Batch> {
    return awaited(super.read(cursor, subscription, maxBytes));
  }

  override locate(
    lastEventId: string,
    subscription: Subscription,
  ): number | undefined | Promise<number | undefined> {
    return awaited(super.locate(lastEventId, subscription));
  }
}

function awaited<T>(answer: T | Promise<T>): T | Promise<T> {
  return answer instanceof Promise ? settleWith(answer) : answer;
}
