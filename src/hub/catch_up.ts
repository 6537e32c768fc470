import type { Subscriber } from "./subscriber.ts";
import { StoreUnavailable } from "../lib/errors.ts";
import { encodeBlock } from "../sse/encode.ts";
import { formatId } from "../sse/log_position.ts";
import type { Broker } from "../broker/broker.ts";
import { joinEvents } from "../sse/join.ts";
import type { Batch, Gap } from "../broker/log.ts";

/** Bytes of events read for a subscriber at a time. */
const BATCH_BYTES = 65_536;

/** The type of the event that says that events were missed. */
export const GAP_EVENT = "gap";

/**
 * Gives a subscriber that is behind the next events of the log, after word of any that are gone,
 * and joins it to the head where nothing is left to read.
 */
export function catchUp(
  broker: Broker,
  subscriber: Subscriber,
): void | Promise<void> {
  const batch = nextBatch(broker, subscriber);
  if (batch instanceof Promise) return giveWhenRead(broker, subscriber, batch);
  give(broker, subscriber, batch);
}

/** Goes on until it has given something: the stream does not ask again after a turn that brought it nothing. */
async function giveWhenRead(
  broker: Broker,
  subscriber: Subscriber,
  reading: Batch | Promise<Batch>,
): Promise<void> {
  while (true) {
    if (!(reading instanceof Promise)) return give(broker, subscriber, reading);
    try {
      const batch = await reading;
      // What a promise says of the head was true when it was made: the next read decides.
      give(broker, subscriber, { ...batch, reachesHead: false });
      if (batch.gap !== undefined || batch.events.length > 0) return;
    } catch (error) {
      if (!(error instanceof StoreUnavailable)) throw error;
    }
    // Before the next read, not after: nobody would hear of its failure.
    if (subscriber.ended) return;
    reading = nextBatch(broker, subscriber);
  }
}

function nextBatch(broker: Broker, subscriber: Subscriber): Batch | Promise<Batch> {
  const { claims, resumedFrom } = subscriber;
  const read = () => {
    const { position, gapReportedThrough } = subscriber;
    return broker.read({ position, gapReportedThrough }, claims, BATCH_BYTES);
  };
  if (subscriber.isPlaced || resumedFrom === undefined) return read();
  const place = broker.locate(resumedFrom, claims);
  if (place instanceof Promise) {
    return place.then((found) => {
      subscriber.startAt(found ?? -1);
      return read();
    });
  }
  subscriber.startAt(place ?? -1);
  return read();
}

function give(broker: Broker, subscriber: Subscriber, batch: Batch): void {
  const { events, gap, through } = batch;
  if (gap !== undefined) {
    subscriber.enqueue(
      encodeGap(broker, subscriber, batch, gap),
      subscriber.position,
    );
    subscriber.gapReportedThrough = gap.through;
  }
  subscriber.resumedFrom = undefined;
  if (events.length > 0) subscriber.enqueue(joinEvents(events), through);
  if (batch.reachesHead) subscriber.goLive(through);
  else subscriber.moveTo(through);
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
    oldest: oldest === undefined ? null : formatId(oldest, epoch),
  };
  return encodeBlock(
    `id: ${formatId(place, epoch)}`,
    `event: ${GAP_EVENT}`,
    `data: ${JSON.stringify(data)}`,
  );
}
