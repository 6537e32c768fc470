import { EVERYONE } from "../auth/subscription.ts";
import type { EventLookup } from "../broker/event_lookup.ts";
import { shown } from "../lib/shown_text.ts";
import type { ServerEvent } from "../sse/event.ts";
import { formatId, parseId, seqTime } from "../sse/log_position.ts";
import { handedOverFacts, refusalFacts, refusedEmitFacts, streamFacts } from "./facts.ts";
import {
  byEnd,
  endedMs,
  type Evidence,
  judge,
  type Judgement,
  MAX_ALIKE,
  mayHear,
  type Question,
  type Verdict,
} from "./judgement.ts";
import type { AskedEvent } from "./outcome.ts";
import type { ReadEvents } from "./read_events.ts";
import type { StreamRecord } from "./records.ts";
import {
  describeRefusal,
  describeRefusedEmit,
  describeState,
  describeStranger,
  describeStream,
  iso,
} from "./sentences.ts";
import { adviceOn, summaryOf } from "./summary.ts";

/** An explanation as it is answered, in plain words and in parts. */
export interface Explanation {
  readonly verdict: Verdict;
  readonly text: string;
  readonly event: object | null;
  readonly streams: readonly object[];
  readonly refusals: readonly object[];
  readonly refusedEmits: readonly object[];
  readonly recordBegins: string;
  readonly unanswered: readonly string[];
}

/** An explanation lists no more events. */
const MAX_EVENTS = 100;

/** It lists no more streams, and refusals. */
const MAX_LISTED = 20;

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
  const isWhole = evidence.unanswered.length === 0 && evidence.record.hasMoreOpen !== true;
  const verdict = open.some(({ hears }) => hears)
    ? "connected"
    : own.some((one) => one.hears === true || (open.length === 0 && mayHear(one)))
    ? "refused"
    : !isWhole
    ? "unknown"
    : open.length > 0
    ? "channel not heard"
    : "not connected";
  const summary = {
    "connected": `${shown(user)} is connected and hears ${shown(channel)}.`,
    "channel not heard": `${shown(user)} is connected, but does not hear ${shown(channel)}.`,
    "refused": own.some((one) => one.isVerified && mayHear(one))
      ? `${shown(user)} has tried to connect, and was refused.`
      : `Whoever has tried to connect and was refused claims to be ${
        shown(user)
      }; no key of this server has signed that.`,
    "not connected": `${shown(user)} is not connected.`,
    "unknown": open.length === 0
      ? `${shown(user)} is not connected to the servers that answered.`
      : `${shown(user)} is connected. None of the streams that were looked at hears ${
        shown(channel)
      }, but not all were.`,
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
  const { similarUsers = [] } = record;
  const similar = similarUsers.length === 0 ? [] : [
    `There are streams of ${
      similarUsers.map(shown).join(", ")
    }: each letter of a name, and its case, tells users apart.`,
  ];
  const names = unanswered.map(shown).join(", ");
  const silent = names === ""
    ? []
    : [`These servers did not answer, so what they know is missing: ${names}.`];
  const begins = `The record of streams that have ended begins at ${iso(record.beginsMs)}.`;
  const gone = isStoreShared ? " A server that has stopped since took its record with it." : "";
  return [...similar, ...silent, begins + gone];
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
    `(-history-age, -history-events, -history-bytes, or an operator removed it), so whom it was ` +
    `for is not known. If it was for ${shown(user)} on ${shown(channel)}:`;
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

function openedMs(stream: StreamRecord): number {
  return stream.openedMs;
}

/** The verdicts with which an answer tells the user's own refusals. */
const REFUSALS_TELL_MORE: readonly Verdict[] = [
  "refused",
  "skipped",
  "channel not heard",
  "not connected",
  "unknown",
];

function sentencesOf(
  question: Question,
  asked: AskedEvent,
  judgement: Judgement,
): readonly string[] {
  const { judged, refusals, strangers, verdict } = judgement;
  const isRefusalTold = REFUSALS_TELL_MORE.includes(verdict);
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
    unanswered: evidence.unanswered,
    ...parts,
  };
}
