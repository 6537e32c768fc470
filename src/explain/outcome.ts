import { seqIn } from "../broker/event_lookup.ts";
import { hadEnded, type StreamRecord } from "./records.ts";

/** What one stream had of an event. `sentences.ts` says each in words. */
export type Outcome =
  /** Pushed to the connection as it was published, or as soon as its client took it. */
  | "handed over"
  /** Given to the connection from history after it had begun. */
  | "replayed"
  /** The client came with this event's id or a later one: it says that it has it. */
  | "already had"
  /** Waits for its turn, some milliseconds. */
  | "about to be sent"
  /** The client takes too little: the event, or bytes before it, wait. */
  | "behind"
  /** Handed over, but the connection broke while the last bytes may have been on their way. */
  | "may not have arrived"
  /** The connection ended before the event's turn. */
  | "ended first"
  /** The event was gone when the stream came to it, and its client was told so. */
  | "gap told"
  /** As `gap told`, but the event may have been among those that were given. */
  | "gap near"
  /** The stream began after the event, and its client brought no last event id. */
  | "skipped"
  /** It was open, but does not hear the channel. */
  | "channel not heard"
  /** It had ended before, or began later and does not hear the channel. */
  | "not there"
  /** It heard the channel all the time and was not given the event: so that was for somebody else. */
  | "not for it";

/** An event that is or was in the log. */
export interface AskedEvent {
  readonly seq: number;
  /** Whether the log still has it; then it is known to be for the user and on the channel asked about. */
  readonly isRetained: boolean;
}

/**
 * What a stream had of an event for its user on the channel asked about. It follows from where the stream
 * began, how far it came, and the gaps that its client was told of.
 *
 * @param epoch names the log.
 */
export function outcomeOf(
  { hears, progress, end }: Pick<StreamRecord, "hears" | "progress" | "end">,
  event: AskedEvent,
  epoch: string,
): Outcome {
  const { seq } = event;
  const wasOpen = seq > progress.head;
  if (hadEnded({ end }, seq)) return "not there";
  if (!hears) return wasOpen ? "channel not heard" : "not there";
  if (!wasOpen && progress.cameWith === undefined) return "skipped";
  const notGiven = whyNotGiven(progress, event, epoch);
  if (notGiven !== undefined) return notGiven;
  if (seq <= progress.position) return howGiven({ progress, end }, seq);
  if (end !== undefined) return progress.isLive ? "ended first" : "behind";
  return progress.isLive ? "about to be sent" : "behind";
}

type Progress = StreamRecord["progress"];

/** Why a stream that has come past an event, or will, was not given it; `undefined` if it was or will be. */
function whyNotGiven(
  { cameWith, givenFrom, gaps }: Progress,
  { seq, isRetained }: AskedEvent,
  epoch: string,
): Outcome | undefined {
  const cameAt = cameWith === undefined ? undefined : seqIn(epoch, cameWith);
  const saysItHasIt = cameAt !== undefined && seq <= cameAt;
  // Nothing was looked up yet.
  if (givenFrom === undefined) return saysItHasIt ? "already had" : undefined;
  if (seq < givenFrom && saysItHasIt) return "already had";
  // A retained event was there then, too: it was given if the stream came past it.
  if (!isRetained) {
    const gap = gaps.find(({ after, through }) => seq > after && seq <= through);
    if (gap !== undefined) return seq < gap.givenFrom ? "gap told" : "gap near";
  }
  if (seq >= givenFrom) return undefined;
  // A payload's own id: the log gave everything after its event.
  return cameAt === undefined ? "already had" : "not for it";
}

/** How certain it is that a stream's client got what the connection was given. */
function howGiven(
  { progress, end }: Pick<StreamRecord, "progress" | "end">,
  seq: number,
): Outcome {
  const isPassedOn = seq <= progress.passedOnThrough || progress.unsentBytes === 0;
  if (!isPassedOn) return end === undefined ? "behind" : "may not have arrived";
  return seq <= progress.head ? "replayed" : "handed over";
}
