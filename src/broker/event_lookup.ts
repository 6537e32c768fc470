import type { ServerEvent } from "../sse/event.ts";
import { type LogPosition, parseId } from "../sse/log_position.ts";

/** What a log knows of the event that somebody means by an id. */
export interface EventLookup {
  readonly head: LogPosition;
  /** The id's seq, if it is one of this log's; `undefined` for a publisher's own id, or one of another log. */
  readonly seq: number | undefined;
  /** The retained events that the id may mean, oldest first: several if a publisher used its own id again. */
  readonly events: readonly ServerEvent[];
  /** The channel asked about has no event up to this seq that is not retained now, but may have had some. */
  readonly horizon: number;
}

/** The most events that one id may mean. */
export const MAX_MEANT = 100;

/** The seq that an id names in the log with an epoch; `undefined` for any other id. */
export function seqIn(epoch: string, id: string): number | undefined {
  const position = parseId(id);
  return position?.epoch === epoch ? position.seq : undefined;
}
