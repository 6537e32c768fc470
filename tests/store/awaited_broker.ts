/**
 * A broker in another process, for tests that wait with `settle` until nothing is left to do.
 *
 * @module
 */
import type { Broker, Follower, Outcome, Publication } from "../../src/hub/broker.ts";
import type { Batch, Cursor } from "../../src/hub/log.ts";
import type { Audience } from "../../src/words/audience.ts";
import type { Place } from "../../src/words/event_id.ts";
import { settleWith } from "../hub/fake_time.ts";

/** Passes everything on to the real broker; `settle` waits for what that has been asked. */
export class AwaitedBroker implements Broker {
  readonly #broker: Broker;

  constructor(broker: Broker) {
    this.#broker = broker;
  }

  get head(): Place {
    return this.#broker.head;
  }

  get trouble(): string | undefined {
    return this.#broker.trouble;
  }

  follow(follower: Follower): void {
    this.#broker.follow(follower);
  }

  publish(
    publications: readonly Publication[],
  ): readonly Outcome[] | Promise<readonly Outcome[]> {
    return awaited(this.#broker.publish(publications));
  }

  read(cursor: Cursor, audience: Audience, maxBytes: number): Batch | Promise<Batch> {
    return awaited(this.#broker.read(cursor, audience, maxBytes));
  }

  locate(
    lastEventId: string,
    audience: Audience,
  ): number | undefined | Promise<number | undefined> {
    return awaited(this.#broker.locate(lastEventId, audience));
  }

  close(): void | Promise<void> {
    return this.#broker.close();
  }
}

function awaited<T>(answer: T | Promise<T>): T | Promise<T> {
  return answer instanceof Promise ? settleWith(answer) : answer;
}
