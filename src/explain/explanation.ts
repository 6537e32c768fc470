import { EVERYONE } from "../auth/subscription.ts";
import type { EventLookup } from "../broker/event_lookup.ts";
import { shown } from "../lib/shown_text.ts";
import type { ServerEvent } from "../sse/event.ts";
import { formatId, parseId, seqTime } from "../sse/log_position.ts";
import { type AskedEvent, type Outcome, outcomeOf } from "./outcome.ts";
import type { ReadEvents } from "./read_events.ts";
import type { RefusalRecord, RefusedEmit, StreamRecord, UserRecord } from "./records.ts";
import {
  describeRefusal,
  describeRefusedEmit,
  describeState,
  describeStranger,
  describeStream,
  handedOver,
  iso,
} from "./sentences.ts";

/** The answer in two or three words; docs/http.md explains each. */
export type Verdict =
  | "no such event"
  | "of another log"
  | "retained no longer"
  | "for another channel"
  | "for another user"
  | Exclude<Outcome, "not there" | "not for it" | "gap near">
  | "refused"
  | "not connected"
  | "unknown";

/** Who asks about what. */
export interface Question {
  readonly user: string;
  readonly channel: string;
}

/** What is known, of all hubs and servers. */
export interface Evidence {
  readonly epoch: string;
  readonly record: UserRecord;
  /** Names of servers that did not answer. */
  readonly unanswered: readonly string[];
  /** Whether other servers have streams of the same log. */
  readonly isStoreShared: boolean;
  /** Those of about the time that the question is about. */
  readonly refusedEmits: readonly RefusedEmit[];
}

/** An explanation as it is answered, in plain words and in parts. */
export interface Explanation {
  readonly verdict: Verdict;
  readonly text: string;
  readonly event: object | null;
  readonly streams: readonly object[];
  readonly refusals: readonly object[];
  readonly refusedEmits: readonly object[];
  readonly recordBegins: string;
  readonly unansweredServers: readonly string[];
}

/** What becomes of a user with several streams: the first of these that any stream had. */
const BEST_FIRST = [
  "handed over",
  "replayed",
  "already had",
  "about to be sent",
  "behind",
  "may not have arrived",
  "ended first",
  "gap told",
  "skipped",
  "channel not heard",
] as const satisfies readonly Outcome[];

/** Worse than a refusal: that the user tried for the channel, and was refused, says more. */
const SAYS_LESS_THAN_A_REFUSAL: readonly Verdict[] = ["channel not heard", "not connected"];

/** What is left of these if some of the record is missing: a stream that is not known may have had more. */
const NEEDS_THE_WHOLE: readonly Verdict[] = ["not connected", "channel not heard", "skipped"];

/** An explanation lists no more events. */
const MAX_EVENTS = 100;

/** It lists no more streams, and refusals. */
const MAX_LISTED = 20;

/** It lists no more streams with the same outcome. */
const MAX_ALIKE = 3;

/** Refusals of requests by nobody who is known count within this time around an event. */
const NEAR_MS = 60_000;

interface Judged {
  readonly stream: StreamRecord;
  readonly outcome: Outcome;
}

/** What an event for the user on the channel became. */
interface Judgement {
  readonly verdict: Verdict;
  readonly judged: readonly Judged[];
  readonly refusals: readonly RefusalRecord[];
  /** Refused about then, and nobody knows whose requests they were. */
  readonly strangers: readonly RefusalRecord[];
  readonly isWhole: boolean;
}

/** Explains what became of the event that an id means. */
export function explainEvent(
  question: Question,
  id: string,
  lookup: EventLookup,
  evidence: Evidence,
): Explanation {
  const meant = chooseEvent(question, lookup.events);
  if (meant === undefined) return explainMissing(question, id, lookup, evidence);
  const { channel, user } = question;
  const event = describeEvent(meant, evidence.epoch);
  if (meant.channel !== channel) {
    const text = `${event.text} So it was for another channel than ${shown(channel)}.`;
    return answerOf("for another channel", [text], evidence, { event: event.facts });
  }
  if (meant.user !== EVERYONE && meant.user !== user) {
    const text = `${event.text} So it was for another user than ${shown(user)}.`;
    return answerOf("for another user", [text], evidence, { event: event.facts });
  }
  const asked = { seq: meant.seq, isRetained: true };
  const again = lookup.events.length > 1
    ? ` The log has ${lookup.events.length} events with this id; this is about the newest that fits.`
    : "";
  const judgement = judge(asked, evidence);
  const texts = [event.text + again, ...sentencesOf(question, asked, judgement)];
  return answerOf(judgement.verdict, texts, evidence, {
    event: event.facts,
    ...partsOf(question, asked, judgement),
  });
}

/** Explains all events for a user on a channel from a time on: how many had which verdict, and the newest of them. */
export function explainSince(
  question: Question,
  sinceMs: number,
  { events, isCut, hasGap }: ReadEvents,
  evidence: Evidence,
) {
  const judged = events.map((event) => {
    const asked = { seq: event.seq, isRetained: true };
    return { event, asked, judgement: judge(asked, evidence) };
  });
  const verdicts: Partial<Record<Verdict, number>> = {};
  for (const { judgement: { verdict } } of judged) {
    verdicts[verdict] = (verdicts[verdict] ?? 0) + 1;
  }
  const [only, ...others] = Object.keys(verdicts) as Verdict[];
  const listed = judged.slice(-MAX_EVENTS).map(({ event, asked, judgement }) => {
    const [first] = judgement.judged;
    const { verdict } = judgement;
    const text = first === undefined
      ? summaryOf(question, judgement)
      : describeStream(first.stream, first.outcome, asked, question.channel);
    return { verdict, text, event: describeEvent(event, evidence.epoch).facts };
  });
  const counts = Object.entries(verdicts).map(([verdict, number]) => `${number} ${verdict}`);
  const { user, channel } = question;
  const found = `${events.length} retained event${events.length === 1 ? "" : "s"} for ` +
    `${shown(user)} on ${shown(channel)} since ${iso(sinceMs)}`;
  const texts = [
    counts.length === 0 ? `There are no ${found.slice(2)}.` : `${found}: ${counts.join(", ")}.`,
    ...(isCut ? ["There are more, which were not looked at: ask with a later since."] : []),
    ...(hasGap ? ["Others of that time may be retained no longer."] : []),
    ...listed.map(({ event, verdict, text }) => `${event.id} (${event.time}), ${verdict}: ${text}`),
    ...evidence.refusedEmits.map(describeRefusedEmit),
  ];
  const verdict = only === undefined ? "no such event" : others.length > 0 ? "mixed" : only;
  return { ...answerOf("unknown", texts, evidence), verdict, verdicts, events: listed };
}

/** Explains how a user stands now: open streams, the last that ended, refusals. */
export function explainNow(
  { user, channel }: Question,
  evidence: Evidence,
): Omit<Explanation, "verdict"> & {
  readonly verdict: "connected" | "channel not heard" | "refused" | "not connected" | "unknown";
} {
  const { streams, refusals } = evidence.record;
  const open = streams.filter(({ end }) => end === undefined);
  const ended = streams.filter(({ end }) => end !== undefined).toSorted(byEnd).slice(0, MAX_ALIKE);
  const lastEnd = Math.max(-Infinity, ...open.map(openedMs), ...ended.map(endedMs));
  const own = refusals.filter((one) => one.user === user && one.lastMs >= lastEnd);
  const isWhole = evidence.unanswered.length === 0;
  const verdict = open.some(({ hears }) => hears)
    ? "connected"
    : own.length > 0
    ? "refused"
    : open.length > 0
    ? "channel not heard"
    : isWhole
    ? "not connected"
    : "unknown";
  const summary = {
    "connected": `${shown(user)} is connected and hears ${shown(channel)}.`,
    "channel not heard": `${shown(user)} is connected, but does not hear ${shown(channel)}.`,
    "refused": `${shown(user)} has tried to connect, and was refused.`,
    "not connected": `${shown(user)} is not connected.`,
    "unknown": `${shown(user)} is not connected to the servers that answered.`,
  }[verdict];
  const listed = [...open, ...ended].slice(0, MAX_LISTED);
  const texts = [
    summary,
    ...listed.map((stream) => describeState(stream, channel)),
    ...own.slice(0, MAX_LISTED).map((refusal) => describeRefusal(refusal, user)),
  ];
  return {
    ...answerOf("unknown", texts, evidence, {
      streams: listed.map((stream) => streamFacts(stream)),
      refusals: own.slice(0, MAX_LISTED).map(refusalFacts),
    }),
    verdict,
  };
}

/** What every answer ends with: what may be missing in it. */
function caveatsOf({ record, unanswered, isStoreShared }: Evidence): readonly string[] {
  const names = unanswered.map(shown).join(", ");
  const silent = names === ""
    ? []
    : [`These servers did not answer, so what they know is missing: ${names}.`];
  const begins = `The record of streams that have ended begins at ${iso(record.beginsMs)}.`;
  const gone = isStoreShared ? " A server that has stopped since took its record with it." : "";
  return [...silent, begins + gone];
}

/** The event that is meant: one for the user on the channel, else one on the channel, else any; the newest. */
function chooseEvent(
  { user, channel }: Question,
  events: readonly ServerEvent[],
): ServerEvent | undefined {
  const onChannel = events.filter((event) => event.channel === channel);
  const forUser = onChannel.filter((event) => event.user === EVERYONE || event.user === user);
  return forUser.at(-1) ?? onChannel.at(-1) ?? events.at(-1);
}

function explainMissing(
  question: Question,
  id: string,
  { seq, head, horizon }: EventLookup,
  evidence: Evidence,
): Explanation {
  const { user, channel } = question;
  if (seq !== undefined && seq <= horizon) return explainDropped(question, id, seq, evidence);
  const refused = evidence.refusedEmits.length === 0
    ? ["No refused emit is on record for about that time."]
    : evidence.refusedEmits.map(describeRefusedEmit);
  if (seq === undefined && parseId(id) !== undefined) {
    const text = `${shown(id)} is of another log: the store was emptied or replaced after it, ` +
      `as the one in memory is by each start. Ids of this log end in -${head.epoch}.`;
    return answerOf("of another log", [text, ...refused], evidence);
  }
  const why = seq === undefined
    ? `No retained event carries the id ${
      shown(id)
    }. It was never published, or is retained no longer.`
    : seq > head.seq
    ? `There is no event ${shown(id)}: the newest is ${formatId(head.seq, head.epoch)}.`
    : `There was no event ${shown(id)} on ${
      shown(channel)
    }: nothing of that time has been dropped from it.`;
  const hint = evidence.refusedEmits.length === 0 ? [] : [
    `These emits, which may have been for ${shown(user)} on ${shown(channel)}, were refused:`,
  ];
  return answerOf("no such event", [why, ...hint, ...refused], evidence);
}

/** It may have been for anybody on any channel: what the user's streams had is told in case it was for them. */
function explainDropped(
  question: Question,
  id: string,
  seq: number,
  evidence: Evidence,
): Explanation {
  const { user, channel } = question;
  const asked = { seq, isRetained: false };
  const judgement = judge(asked, evidence);
  const text = `The event ${shown(id)}, of ${iso(seqTime(seq))}, is retained no longer ` +
    `(-history-age, -history-events, -history-bytes), so whom it was for is not known. ` +
    `If it was for ${shown(user)} on ${shown(channel)}:`;
  const facts = { id, time: iso(seqTime(seq)), retained: false };
  return {
    ...answerOf(
      "retained no longer",
      [text, ...sentencesOf(question, asked, judgement)],
      evidence,
      { event: facts, ...partsOf(question, asked, judgement) },
    ),
    ...{ verdictIfForUser: judgement.verdict },
  };
}

function judge(event: AskedEvent, evidence: Evidence): Judgement {
  const { record, epoch, unanswered } = evidence;
  const judged = record.streams.map((stream) => ({
    stream,
    outcome: outcomeOf(stream, event, epoch),
  }));
  const best = BEST_FIRST.find((outcome) => judged.some((one) => one.outcome === outcome));
  const isWhole = unanswered.length === 0 && event.seq > record.beginsAfter;
  const isUncertain = judged.some(({ outcome }) => outcome === "gap near");
  const contactMs = lastContact(judged, event.seq);
  const refusals = record.refusals.filter((one) =>
    one.user !== undefined && one.lastMs >= contactMs
  );
  const timeMs = seqTime(event.seq);
  const strangers = record.refusals.filter(({ user, firstMs, lastMs }) =>
    user === undefined && firstMs <= timeMs + NEAR_MS && lastMs >= timeMs - NEAR_MS
  );
  let verdict: Verdict = best ?? (isUncertain ? "unknown" : "not connected");
  if (SAYS_LESS_THAN_A_REFUSAL.includes(verdict) && refusals.length > 0) verdict = "refused";
  else if (NEEDS_THE_WHOLE.includes(verdict) && !isWhole) verdict = "unknown";
  return { verdict, judged: mostTelling(judged), refusals, strangers, isWhole };
}

/** When a stream of the user's last began or ended before an event: refusals from then on matter. */
function lastContact(judged: readonly Judged[], seq: number): number {
  const times = judged.flatMap(({ stream: { progress, openedMs, end } }) => {
    if (progress.head >= seq) return [];
    return end !== undefined && end.head < seq ? [end.atMs] : [openedMs];
  });
  return Math.max(-Infinity, ...times);
}

/** The streams worth a line, best first: of those alike the earliest, and the last that had ended before. */
function mostTelling(judged: readonly Judged[]): readonly Judged[] {
  const order: readonly Outcome[] = [...BEST_FIRST, "gap near", "not for it"];
  const sorted = judged.toSorted((one, other) => one.stream.openedMs - other.stream.openedMs);
  const telling = order.flatMap((outcome) =>
    sorted.filter((one) => one.outcome === outcome).slice(0, MAX_ALIKE)
  );
  const before = sorted.filter(({ outcome, stream: { end } }) => outcome === "not there" && end)
    .toSorted((one, other) => byEnd(one.stream, other.stream));
  return [...telling, ...before.slice(0, 1)].slice(0, MAX_LISTED);
}

function byEnd(one: StreamRecord, other: StreamRecord): number {
  return endedMs(other) - endedMs(one);
}

function endedMs({ end }: StreamRecord): number {
  return end?.atMs ?? Infinity;
}

function openedMs(stream: StreamRecord): number {
  return stream.openedMs;
}

function sentencesOf(
  question: Question,
  asked: AskedEvent,
  judgement: Judgement,
): readonly string[] {
  const { judged, refusals, strangers, verdict } = judgement;
  const isRefusalTold = verdict === "refused" || verdict === "skipped" || verdict === "unknown";
  const mayBeStranger = verdict === "not connected" || verdict === "unknown";
  return [
    summaryOf(question, judgement),
    ...judged.map(({ stream, outcome }) =>
      describeStream(stream, outcome, asked, question.channel)
    ),
    ...(isRefusalTold ? refusals : []).slice(0, MAX_LISTED).map((refusal) =>
      describeRefusal(refusal, question.user)
    ),
    ...(mayBeStranger ? strangers : []).slice(0, MAX_ALIKE).map((refusal) =>
      describeStranger(refusal, question.user)
    ),
    ...adviceOn(question, judgement, asked),
  ];
}

function summaryOf({ user, channel }: Question, { verdict, isWhole }: Judgement): string {
  const name = shown(user);
  switch (verdict) {
    case "handed over":
      return `It was handed over to a connection of ${name}. Whether it was read there, a server cannot tell.`;
    case "replayed":
      return `${name} came back and had it replayed. Whether it was read there, a server cannot tell.`;
    case "already had":
      return `A client of ${name} said by its last event id that it has the event.`;
    case "about to be sent":
      return `${name} is connected, and the event is about to be handed over.`;
    case "behind":
      return `${name} was connected, but behind: the client took its bytes too slowly.`;
    case "may not have arrived":
      return `It was handed over to a connection of ${name} that broke: it may not have arrived.`;
    case "ended first":
      return `The connection of ${name} ended just before the event was handed over.`;
    case "gap told":
      return `${name} came to the event too late: it was retained no longer, and the client was told of a gap.`;
    case "skipped":
      return `${name} had no stream on ${
        shown(channel)
      } then, and came without a last event id: the event was skipped.`;
    case "channel not heard":
      return `${name} was connected, but heard other channels than ${shown(channel)}.`;
    case "refused":
      return isWhole
        ? `${name} had no stream on ${shown(channel)} then, and was refused one.`
        : `${name} was refused a stream.`;
    case "not connected":
      return `${name} had no stream then.`;
    default:
      return `No stream of ${name} is known to have been handed the event, but not all is known.`;
  }
}

/** What to do about it, and what else is to be known. */
function adviceOn(
  { user, channel }: Question,
  { verdict, refusals, isWhole }: Judgement,
  { isRetained }: AskedEvent,
): readonly string[] {
  switch (verdict) {
    case "skipped":
      return [
        "A client that comes back must send the id of the last event that it has, in the header " +
        "Last-Event-ID or as ?lastEventId=. A browser's EventSource does so when it reconnects by itself, " +
        "but a page that is loaded anew, and a new EventSource, must be given the id by the page.",
      ];
    case "channel not heard":
      return [
        `Its token does not name ${shown(channel)}, or its client asked for other channels: ` +
        "name the channel in the token, or emit to one that the client hears.",
      ];
    case "refused":
      return [
        ...(refusals.some(({ why }) => why === "expired")
          ? ["Give the client a new token before it connects again."]
          : []),
        ...incompleteness(user, isWhole),
      ];
    case "not connected":
      return isRetained
        ? [`${shown(user)} gets it by coming back with a last event id while it is retained.`]
        : [];
    case "unknown":
      return incompleteness(user, isWhole);
    default:
      return [];
  }
}

function incompleteness(user: string, isWhole: boolean): readonly string[] {
  if (isWhole) return [];
  return [
    `The record does not reach back to the event, or is not complete: ${
      shown(user)
    } may have been connected.`,
  ];
}

function partsOf(
  { channel }: Question,
  asked: AskedEvent,
  { judged, refusals, strangers }: Judgement,
): Pick<Explanation, "streams" | "refusals"> {
  return {
    streams: judged.map(({ stream, outcome }) => ({
      outcome,
      ...streamFacts(stream),
      ...handedOverFacts(stream, outcome, asked.seq),
      text: describeStream(stream, outcome, asked, channel),
    })),
    refusals: [...refusals, ...strangers].slice(0, MAX_LISTED).map(refusalFacts),
  };
}

function handedOverFacts(stream: StreamRecord, outcome: Outcome, seq: number): object {
  if (!["handed over", "replayed", "may not have arrived"].includes(outcome)) return {};
  const { ms, isAbout } = handedOver(stream, seq);
  return isAbout ? { handedOverAbout: iso(ms) } : { handedOverAfter: iso(ms) };
}

function streamFacts(
  { id, server, channels, channelCount, origin, openedMs, progress, end }: StreamRecord,
): object {
  return {
    stream: id,
    ...(server !== undefined && { server }),
    channels,
    channelCount,
    openedAt: iso(openedMs),
    lastEventId: progress.cameWith ?? null,
    ...(origin && { address: origin.address, userAgent: origin.userAgent }),
    ...(origin?.proxy && { proxy: origin.proxy }),
    unsentBytes: progress.unsentBytes,
    ...(end && { endedAt: iso(end.atMs), ending: end.reason }),
  };
}

function refusalFacts(
  { server, why, message, user, isVerified, origin, firstMs, lastMs, count }: RefusalRecord,
): object {
  return {
    why,
    message,
    user: user ?? null,
    verified: isVerified,
    ...(server !== undefined && { server }),
    ...(origin && { address: origin.address, userAgent: origin.userAgent }),
    ...(origin?.proxy && { proxy: origin.proxy }),
    firstAt: iso(firstMs),
    lastAt: iso(lastMs),
    count,
  };
}

function refusedEmitFacts(
  { server, atMs, status, reason, keyName, channel, user }: RefusedEmit,
): object {
  return {
    time: iso(atMs),
    status,
    reason,
    ...(server !== undefined && { server }),
    ...(keyName !== undefined && { key: keyName }),
    channel: channel ?? null,
    userId: user ?? null,
  };
}

function describeEvent(event: ServerEvent, epoch: string) {
  const { seq, channel, user, publisherId, size } = event;
  const time = iso(seqTime(seq));
  const id = formatId(seq, epoch);
  const own = publisherId === undefined ? "" : ` (its own id: ${shown(publisherId)})`;
  const whom = user === EVERYONE ? "everyone" : shown(user);
  return {
    text: `The event ${id}${own} was published at ${time} for ${whom} on ${
      shown(channel)
    }, and is ${size} bytes long.`,
    facts: {
      id,
      ...(publisherId !== undefined && { ownId: publisherId }),
      time,
      channel,
      userId: user,
      sizeBytes: size,
      retained: true,
    },
  };
}

function answerOf(
  verdict: Verdict,
  texts: readonly string[],
  evidence: Evidence,
  parts: Partial<Explanation> = {},
): Explanation {
  return {
    verdict,
    text: [...texts, ...caveatsOf(evidence)].join("\n"),
    event: null,
    streams: [],
    refusals: [],
    refusedEmits: evidence.refusedEmits.map(refusedEmitFacts),
    recordBegins: iso(evidence.record.beginsMs),
    unansweredServers: evidence.unanswered,
    ...parts,
  };
}
