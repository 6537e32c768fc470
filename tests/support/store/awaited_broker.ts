/**
 * A broker in another process, for tests that wait with `settle` until nothing is left to do.
 *
 * @module
 */
import type { Subscription } from "../../../src/auth/subscription.ts";
import type { Outcome, Publication } from "../../../src/broker/broker.ts";
import type { HistoryReader, ReadStart } from "../../../src/broker/history_reader.ts";
import type { HistoryOwner } from "../../../src/broker/removal.ts";
import { settleWith } from "../hub/fake_time.ts";
import { PassingBroker, PassingReader } from "./passing_broker.ts";

/** Passes every call on to the real broker; `settle` waits for its answers. */
export class AwaitedBroker extends PassingBroker {
  override publish(publications: readonly Publication[]): Promise<readonly Outcome[]> {
    return settleWith(super.publish(publications));
  }

  override removeHistory(of: HistoryOwner): Promise<number> {
    return settleWith(super.removeHistory(of));
  }

  override openReader(subscription: Subscription, start: ReadStart): HistoryReader {
    return new AwaitedReader(super.openReader(subscription, start));
  }
}

class AwaitedReader extends PassingReader {
  override ready(): Promise<void> {
    return settleWith(super.ready());
  }
}
