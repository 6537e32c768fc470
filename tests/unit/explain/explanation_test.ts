import type { EventLookup } from "../../../src/broker/event_lookup.ts";
import { explainEvent, explainNow } from "../../../src/explain/explanation.ts";
import { createEvent } from "../../../src/sse/event.ts";
import { formatId } from "../../../src/sse/log_position.ts";
import { assert, assertEquals, assertMatch } from "../../support/assert.ts";
import { EPOCH, evidence, refusalRecord, streamRecord } from "../../support/explain_records.ts";

const QUESTION = { user: "alex", channel: "chat" };
const ID = formatId(150, EPOCH);
const HEAD = { seq: 300, epoch: EPOCH };

const LOOKUP: EventLookup = {
  head: HEAD,
  seq: 150,
  events: [createEvent({ channel: "chat", user: "alex", block: "data: secret" }, 150, EPOCH)],
  horizon: 0,
};
const GONE: EventLookup = { ...LOOKUP, events: [], horizon: 200 };

const left = (head: number, atMs: number) => ({
  end: { atMs, reason: "client left", head } as const,
});

Deno.test("a sentence names the proxy, the address and the program of a stream", () => {
  const { text } = explainEvent(QUESTION, ID, LOOKUP, evidence({ streams: [streamRecord()] }));
  assertMatch(
    text,
    /Stream s-1 from 10\.0\.0\.7 through the proxy 10\.0\.0\.1 \(Firefox\) was handed the event at about/,
  );
  assert(!text.includes("secret"), "a payload is in the text");
});

Deno.test("one that came from history is handed over after a time, not about a time", () => {
  const stream = streamRecord({ progress: { caughtUpThrough: 180 } });
  const { text, streams } = explainEvent(QUESTION, ID, LOOKUP, evidence({ streams: [stream] }));
  assertMatch(text, /was handed the event after 1970-01-01T00:00:00.000Z, from history\./);
  assertEquals(Object.hasOwn(streams[0] ?? {}, "handedOverAbout"), false);
});

Deno.test("where the record begins after the event, nobody says that the user had no stream", () => {
  const late = evidence({ beginsMs: 1, beginsAfter: 150 });
  const { verdict, text } = explainEvent(QUESTION, ID, LOOKUP, late);
  assertEquals(verdict, "unknown");
  assertMatch(
    text,
    /The record does not reach back to the event, .*: alex may have been connected\./,
  );
  assertMatch(text, /begins at 1970-01-01T00:00:00\.001Z/);
  assert(!/had no stream/.test(text), text);
  assertEquals(
    explainEvent(QUESTION, ID, LOOKUP, evidence({ beginsAfter: 149 })).verdict,
    "not connected",
  );
});

Deno.test("on a server that lags behind the log, a stream that was open at the event is not said to have ended before", () => {
  const lagging = streamRecord({ progress: { position: 120 }, ...left(120, 0.2) });
  const explained = explainEvent(QUESTION, ID, LOOKUP, evidence({ streams: [lagging] }));
  assertEquals(explained.verdict, "ended first");
  assert(!/had ended|had no stream/.test(explained.text), explained.text);
  const forgotten = evidence({ beginsMs: 0.2, beginsAfter: 120 });
  assertEquals(explainEvent(QUESTION, ID, LOOKUP, forgotten).verdict, "unknown");
});

Deno.test("where a server does not answer, its name is told, and no verdict that needs its word is given", () => {
  const silent = { unanswered: ["web-2"], isStoreShared: true };
  const nobody = explainEvent(QUESTION, ID, LOOKUP, evidence({}, silent));
  assertEquals([nobody.verdict, nobody.unanswered], ["unknown", ["web-2"]]);
  assertMatch(nobody.text, /did not answer, so what they know is missing: web-2\./);
  const refusals = [refusalRecord()];
  const refused = explainEvent(QUESTION, ID, LOOKUP, evidence({ refusals }, silent));
  assertEquals(refused.verdict, "refused");
  assert(!/had no stream/.test(refused.text), refused.text);
  for (
    const stream of [streamRecord({ hears: false }), streamRecord({ progress: { head: 150 } })]
  ) {
    const { verdict } = explainEvent(QUESTION, ID, LOOKUP, evidence({ streams: [stream] }, silent));
    assertEquals(verdict, "unknown");
  }
  const streams = [streamRecord({ server: "web-1" })];
  const known = explainEvent(QUESTION, ID, LOOKUP, evidence({ streams }, silent));
  assertEquals(known.verdict, "handed over");
  assertMatch(known.text, /on the server web-1 was handed/);
  assertEquals(explainNow(QUESTION, evidence({}, silent)).verdict, "unknown");
});

Deno.test("where open streams were not looked at, nobody says that the channel is not heard", () => {
  const streams = [streamRecord({ hears: false })];
  assertEquals(explainNow(QUESTION, evidence({ streams })).verdict, "channel not heard");
  for (
    const known of [
      evidence({ streams, hasMoreOpen: true }),
      evidence({ streams }, { unanswered: ["web-2"] }),
    ]
  ) {
    const { verdict, text } = explainNow(QUESTION, known);
    assertEquals(verdict, "unknown");
    assertMatch(text, /alex is connected\. None of the streams that were looked at hears chat/);
  }
});

Deno.test("of streams that are alike the earliest three are told, and of those that ended before the last", () => {
  const skipped = Array.from(
    { length: 10 },
    (_, n) =>
      streamRecord({ id: `s-${n}`, openedMs: 100 - n, progress: { head: 150, givenFrom: 151 } }),
  );
  const before = [0.01, 0.03, 0.02].map((atMs) =>
    streamRecord({ id: `b-${atMs}`, ...left(149, atMs) })
  );
  const elsewhere = streamRecord({ hears: false, progress: { head: 150 }, ...left(300, 500) });
  const { streams } = explainEvent(
    QUESTION,
    ID,
    LOOKUP,
    evidence({ streams: [...skipped, ...before, elsewhere] }),
  );
  const ids = streams.map((stream) => (stream as { stream: string }).stream);
  assertEquals(ids, ["s-9", "s-8", "s-7", "b-0.03"]);
});

Deno.test("what was wrong at the time of the event says more than that a later stream skipped it", () => {
  const skipped = streamRecord({
    id: "s-2",
    openedMs: 9000,
    progress: { head: 150, givenFrom: 151 },
  });
  const elsewhere = streamRecord({ hears: false, channels: ["chats"] });
  const before = streamRecord({ id: "s-0", ...left(149, 0) });
  const verdictOf = (
    streams: readonly (typeof skipped)[],
    refusals: readonly ReturnType<typeof refusalRecord>[] = [],
  ) => explainEvent(QUESTION, ID, LOOKUP, evidence({ streams, refusals })).verdict;
  assertEquals(verdictOf([skipped]), "skipped");
  assertEquals(verdictOf([skipped, elsewhere]), "channel not heard");
  assertEquals(verdictOf([skipped, elsewhere, before]), "skipped");
  assertEquals(verdictOf([skipped], [refusalRecord()]), "refused");
  const later = refusalRecord({ firstMs: 5000, lastMs: 5000 });
  assertEquals(verdictOf([skipped], [later]), "skipped");
});

Deno.test("who has no stream is told of users whose names may have been meant", () => {
  const similarUsers = ["Alex", "a lex"];
  for (
    const { text } of [
      explainEvent(QUESTION, ID, LOOKUP, evidence({ similarUsers })),
      explainNow(QUESTION, evidence({ similarUsers })),
    ]
  ) {
    assertMatch(
      text,
      /^There are streams of Alex, "a lex": each letter of a name, and its case, /m,
    );
  }
  assert(!/There are streams of/.test(explainNow(QUESTION, evidence()).text), "told of nobody");
});

Deno.test("what an event that is gone would have been is told, if it was for the user", () => {
  const told = (streams: readonly ReturnType<typeof streamRecord>[]) =>
    explainEvent(QUESTION, ID, GONE, evidence({ streams })) as {
      readonly verdict: string;
      readonly verdictIfForUser?: string;
      readonly text: string;
    };
  const handed = told([streamRecord()]);
  assertEquals([handed.verdict, handed.verdictIfForUser], ["retained no longer", "handed over"]);
  const near = told([
    streamRecord({ progress: { gaps: [{ after: 120, through: 155, givenFrom: 145 }] } }),
  ]);
  assertEquals([near.verdict, near.verdictIfForUser], ["retained no longer", "unknown"]);
  assertMatch(near.text, /whether this one was among them is not known/);
  assertEquals(told([]).verdictIfForUser, "not connected");
});

Deno.test("an id that the log never gave, and one of another log", () => {
  const lookup = { ...LOOKUP, events: [] };
  assertEquals(explainEvent(QUESTION, ID, lookup, evidence()).verdict, "no such event");
  const later = explainEvent(QUESTION, formatId(301, EPOCH), { ...lookup, seq: 301 }, evidence());
  assertMatch(later.text, /the newest is 0000000000000300-aaaaaa/);
  const other = { ...lookup, seq: undefined };
  const { verdict, text } = explainEvent(QUESTION, formatId(150, "bbbbbb"), other, evidence());
  assertEquals(verdict, "of another log");
  assertMatch(text, /Ids of this log end in -aaaaaa\./);
});

Deno.test("texts of clients cannot break out of their sentence", () => {
  const origin = {
    address: "::1",
    proxy: undefined,
    userAgent: 'x"\nStream s-9 was handed the event',
  };
  const streams = [
    streamRecord({ origin, progress: { head: 160, cameWith: "\n\n", givenFrom: 130 } }),
  ];
  const { text } = explainEvent(QUESTION, ID, LOOKUP, evidence({ streams }));
  assertEquals(text.match(/^Stream /gm)?.length, 1);
});

Deno.test("every verdict and ending has words of its own", () => {
  const reasons = [
    "client left",
    "token expired",
    "too slow",
    "draining",
    "key gone",
    "server error",
  ];
  const texts = reasons.map((reason) => {
    const ended = { atMs: 0, reason: reason as "client left", head: 149 };
    const streams = [streamRecord({ end: ended })];
    return explainEvent(QUESTION, ID, LOOKUP, evidence({ streams })).text;
  });
  assertEquals(new Set(texts).size, reasons.length);
  for (const text of texts) assert(!text.includes("undefined"), text);
});

Deno.test("who was refused with a token that nobody has signed is not said to be the user", () => {
  const ask = (isVerified: boolean) => {
    const why = "signature" as const;
    const refusals = [refusalRecord({ isVerified, why, lastMs: 1 })];
    const about = evidence({ refusals });
    return [explainEvent(QUESTION, ID, LOOKUP, about), explainNow(QUESTION, about)] as const;
  };
  const told = /^alex .*, and was refused( one)?\.$/m;
  for (const { verdict, text } of ask(false)) {
    assertEquals(verdict, "refused");
    assertMatch(text, /refused (one )?claims to be alex; no key of this server has signed that\./);
    assert(!told.test(text), text);
  }
  for (const { text } of ask(true)) assertMatch(text, told);
});

Deno.test("a refusal outweighs an open stream on other channels only if it was for the channel asked about", () => {
  const elsewhere = streamRecord({ hears: false, channels: ["news"] });
  const ask = (hears: boolean | undefined, streams: readonly (typeof elsewhere)[]) => {
    const refusals = [refusalRecord({ hears, why: "over the user limit", lastMs: 1 })];
    const about = evidence({ streams, refusals });
    return [explainEvent(QUESTION, ID, LOOKUP, about), explainNow(QUESTION, about)] as const;
  };
  const verdicts = (...asked: Parameters<typeof ask>) =>
    ask(...asked).map(({ verdict }) => verdict);
  assertEquals(verdicts(true, [elsewhere]), ["refused", "refused"]);
  assertEquals(verdicts(undefined, [elsewhere]), ["channel not heard", "channel not heard"]);
  assertEquals(verdicts(false, [elsewhere]), ["channel not heard", "channel not heard"]);
  assertEquals(verdicts(undefined, []), ["refused", "refused"]);
  assertEquals(verdicts(false, []), ["not connected", "not connected"]);
  for (const { text } of [...ask(false, [elsewhere]), ...ask(false, [])]) {
    assertMatch(text, /a request for a stream on other channels by alex was refused/);
    assert(!text.includes("raise -max-streams-per-user"), text);
  }
});
