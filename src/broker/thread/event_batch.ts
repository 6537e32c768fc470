import type { ServerEvent } from "../../sse/event.ts";

/**
 * Events on their way to another thread. Their bytes are in one piece, so that an event is encoded
 * once, for all threads, and copied once for each.
 */
export interface EventBatch {
  readonly seqs: readonly number[];
  readonly channels: readonly string[];
  readonly users: readonly string[];
  /** Left out if no event has one. */
  readonly publisherIds?: readonly (string | undefined)[];
  /** Where each event ends in `bytes`. */
  readonly ends: readonly number[];
  readonly bytes: Uint8Array<ArrayBuffer>;
}

/** Packs events, in order. */
export function packEvents(events: readonly ServerEvent[]): EventBatch {
  let length = 0;
  const ends = events.map(({ size }) => length += size);
  const bytes = new Uint8Array(length);
  events.forEach((event, n) => bytes.set(event.bytes, (ends[n] ?? 0) - event.size));
  const batch = {
    seqs: events.map(({ seq }) => seq),
    channels: events.map(({ channel }) => channel),
    users: events.map(({ user }) => user),
    ends,
    bytes,
  };
  const hasPublisherIds = events.some(({ publisherId }) => publisherId !== undefined);
  if (!hasPublisherIds) return batch;
  return { ...batch, publisherIds: events.map(({ publisherId }) => publisherId) };
}

/** The events of a batch, in order. */
export function unpackEvents(batch: EventBatch): readonly ServerEvent[] {
  const { channels, users, publisherIds, ends, bytes } = batch;
  return batch.seqs.map((seq, n) => {
    const end = ends[n] ?? 0;
    // A copy: a view would keep the whole batch in memory for as long as one of its events is retained.
    const own = bytes.slice(ends[n - 1] ?? 0, end);
    return {
      seq,
      channel: channels[n] ?? "",
      user: users[n] ?? "",
      publisherId: publisherIds?.[n],
      bytes: own,
      size: own.length,
    };
  });
}
