import { outcomeOf } from "../../../src/explain/outcome.ts";
import { formatId } from "../../../src/sse/log_position.ts";
import { assertEquals } from "../../support/assert.ts";
import { EPOCH, streamRecord } from "../../support/explain_records.ts";

type Changes = Parameters<typeof streamRecord>[0];

const end = (head: number, reason: "client left" | "too slow" = "client left") => ({
  end: { atMs: head / 1000, reason, head },
});
/** As on a server that had followed the log to seq 120 only. */
const endOnFollower = (atMs: number) => ({
  end: { atMs, reason: "client left" as const, head: 120 },
});
const idAt = (seq: number) => formatId(seq, EPOCH);

/** What a stream had of the event with seq 150, which is retained unless its case says otherwise. */
const CASES: Readonly<Record<string, readonly [Changes, string, isRetained?: boolean]>> = {
  "pushed, and passed on": [{}, "handed over"],
  "pushed to a stream that had fallen behind": [
    { progress: { caughtUpThrough: 180 } },
    "handed over",
  ],
  "in the queue of a client that takes too little": [
    { progress: { passedOnThrough: 120, unsentBytes: 70 } },
    "behind",
  ],
  "not looked at since, and nothing is unsent": [
    { progress: { passedOnThrough: -1 } },
    "handed over",
  ],
  "catching up, and not there yet": [{ progress: { position: 120, isLive: false } }, "behind"],
  "live, and not flushed yet": [{ progress: { position: 120 } }, "about to be sent"],
  "ended while it was in the queue": [
    { progress: { passedOnThrough: 120, unsentBytes: 70, isUnsentAtMost: true }, ...end(300) },
    "may not have arrived",
  ],
  "ended long after it was passed on": [
    { progress: { passedOnThrough: 160, unsentBytes: 70 }, ...end(300) },
    "handed over",
  ],
  "ended while it was behind": [
    { progress: { position: 120, isLive: false }, ...end(300, "too slow") },
    "behind",
  ],
  "ended before the flush": [{ progress: { position: 120 }, ...end(300) }, "ended first"],
  "ended before it": [{ progress: { position: 120 }, ...end(149) }, "not there"],
  "ended after it, on a server that had not got it yet": [
    { progress: { position: 120 }, ...endOnFollower(0.2) },
    "ended first",
  ],
  "ended after it on such a server, on another channel": [
    { hears: false, progress: { position: 120 }, ...endOnFollower(0.2) },
    "channel not heard",
  ],
  "ended before it, on a server that had not got it yet": [
    { progress: { position: 120 }, ...endOnFollower(0.14) },
    "not there",
  ],
  "ended at it": [{ progress: { position: 150 }, ...end(150) }, "handed over"],
  "began at it, without an id": [{ progress: { head: 150, givenFrom: 151 } }, "skipped"],
  "began later, without an id, on another channel": [
    { hears: false, progress: { head: 150, givenFrom: 151 } },
    "not there",
  ],
  "open, on another channel": [{ hears: false }, "channel not heard"],
  "came with an id before it": [
    { progress: { head: 160, cameWith: idAt(140), givenFrom: 145 } },
    "replayed",
  ],
  "came with its id": [
    { progress: { head: 160, cameWith: idAt(150), givenFrom: 155 } },
    "already had",
  ],
  "came with its id just now": [
    { progress: { head: 160, cameWith: idAt(150), givenFrom: undefined, position: -1 } },
    "already had",
  ],
  "came with an earlier id just now": [
    {
      progress: {
        head: 160,
        cameWith: idAt(140),
        givenFrom: undefined,
        position: -1,
        isLive: false,
      },
    },
    "behind",
  ],
  "came with a later id that the log did not know, and was given all": [
    { progress: { head: 160, cameWith: idAt(999), givenFrom: 130 } },
    "replayed",
  ],
  "came with an id of another log": [
    { progress: { head: 160, cameWith: formatId(999, "bbbbbb"), givenFrom: 130 } },
    "replayed",
  ],
  "came with a payload's own id, of a later event": [
    { progress: { head: 160, cameWith: "order-7", givenFrom: 155 } },
    "already had",
  ],
  "came too late": [
    {
      progress: {
        head: 160,
        cameWith: idAt(140),
        givenFrom: 158,
        gaps: [{ after: -1, through: 155, givenFrom: 158 }],
      },
    },
    "gap told",
    false,
  ],
  "gone from a log that told of no gap": [
    { progress: { head: 160, cameWith: idAt(140), givenFrom: 158 } },
    "not for it",
    false,
  ],
  "fell behind further than the log reaches": [
    { progress: { gaps: [{ after: 120, through: 155, givenFrom: 158 }] } },
    "gap told",
    false,
  ],
  "in a gap of one of several channels": [
    { progress: { gaps: [{ after: 120, through: 155, givenFrom: 145 }] } },
    "gap near",
    false,
  ],
  "in such a gap, and still retained": [
    { progress: { gaps: [{ after: 120, through: 155, givenFrom: 145 }] } },
    "handed over",
  ],
  "gone since": [{}, "handed over", false],
};

for (const [name, [changes, expected, isRetained = true]] of Object.entries(CASES)) {
  Deno.test(`what a stream had of an event: ${name}`, () => {
    assertEquals(outcomeOf(streamRecord(changes), { seq: 150, isRetained }, EPOCH), expected);
  });
}
