import type { Subscriber } from "../parts/subscriber.ts";
import { encodeBlock } from "../words/event.ts";
import { formatId } from "../words/event_id.ts";
import type { Broker } from "./broker.ts";
import { joinEvents } from "./join.ts";
import type { Batch, Gap } from "./log.ts";

/** Bytes of events read for a subscriber at a time. */
const BATCH_BYTES = 65_536;

/** The type of the event that says that events were missed. */
export const GAP_EVENT = "gap";

/**
 * Gives a subscriber that is behind the next events of the log, after word of any that are gone,
 * and joins it to the head where nothing is left to read.
 */
export function readOn(
  broker: Broker,
  subscriber: Subscriber,
): void | Promise<void> {
  const { position, told } = subscriber;
  const batch = broker.read({ position, told }, subscriber.claims, BATCH_BYTES);
  if (!(batch instanceof Promise)) return give(broker, subscriber, batch);
  // What a promise says of the head was true when it was made: the next read decides.
  return batch.then((late) => give(broker, subscriber, { ...late, atHead: false }));
}

function give(
  broker: Broker,
  subscriber: Subscriber,
  batch: Batch,
): void | Promise<void> {
  const { events, gap } = batch;
  if (gap !== undefined) {
    subscriber.feed(
      encodeGap(broker, subscriber, batch, gap),
      subscriber.position,
    );
    subscriber.told = gap.through;
  }
  subscriber.resumedFrom = undefined;
  const last = events.at(-1);
  if (last !== undefined) subscriber.feed(joinEvents(events), last.seq);
  if (batch.atHead) subscriber.rejoin(batch.through);
  // The stream does not ask again after a turn that brought it nothing.
  else if (last === undefined && !subscriber.ended) {
    return readOn(broker, subscriber);
  }
}

function encodeGap(
  broker: Broker,
  subscriber: Subscriber,
  { events }: Batch,
  { through, oldest }: Gap,
): Uint8Array {
  const { epoch } = broker.head;
  // The id is the place that the next event follows: a client cut off here is not told twice.
  const place = Math.min(through, (events[0]?.seq ?? Infinity) - 1);
  const data = {
    asked: subscriber.resumedFrom ?? formatId(subscriber.position, epoch),
    oldest: oldest === undefined ? null : formatId(oldest.seq, epoch),
  };
  return encodeBlock(
    `id: ${formatId(place, epoch)}`,
    `event: ${GAP_EVENT}`,
    `data: ${JSON.stringify(data)}`,
  );
}
