import { formatId, newEpoch, nextSeq, parseId, seqTime } from "../../../src/sse/log_position.ts";
import { assert, assertEquals, assertMatch } from "../../support/assert.ts";

const NOW_MS = 1_795_332_312_345.678;

Deno.test("an id has sixteen digits, a dash and the name of its log", () => {
  assertEquals(formatId(1_795_332_312_345_678, "k3f9a1"), "1795332312345678-k3f9a1");
  assertEquals(formatId(0, "k3f9a1"), "0000000000000000-k3f9a1");
});

Deno.test("ids of a log sort as text in the order of their events", () => {
  const seqs = [0, 9, 10, 99, 1_000_000, 1_795_332_312_345_678, Number.MAX_SAFE_INTEGER];
  const ids = seqs.map((seq) => formatId(seq, "abcdef"));
  assertEquals(ids.toReversed().toSorted(), ids);
});

Deno.test("an id reads back as its position", () => {
  const position = { seq: 1_795_332_312_345_678, epoch: "k3f9a1" };
  assertEquals(parseId(formatId(position.seq, position.epoch)), position);
});

Deno.test("text that is not exactly an id of this server's kind is none", () => {
  const others = [
    "",
    "5",
    "1795332312345678",
    "1795332312345678-",
    "1795332312345678-K3F9A1",
    "1795332312345678-k3f9a",
    "1795332312345678-k3f9a12",
    "179533231234567-k3f9a1",
    "17953323123456789-k3f9a1",
    " 1795332312345678-k3f9a1",
    "1795332312345678-k3f9a1\n",
    "-795332312345678-k3f9a1",
  ];
  for (const text of others) assertEquals(parseId(text), undefined, JSON.stringify(text));
});

Deno.test("seqs come from the clock, in microseconds", () => {
  assertEquals(nextSeq(0, NOW_MS), 1_795_332_312_345_678);
  assertEquals(seqTime(1_795_332_312_345_000), 1_795_332_312_345);
});

Deno.test("seqs go on rising while the clock stands still or steps back", () => {
  let last = 0;
  for (const now of [1000, 1000, 999, 5, 0, 1000.001, 1001, 1000.5]) {
    const next = nextSeq(last, now);
    assert(next > last, `after ${last} at ${now} came ${next}`);
    last = next;
  }
});

Deno.test("seqs follow a clock that jumps ahead", () => {
  assertEquals(nextSeq(1_000_000, 5000), 5_000_000);
});

Deno.test("each log has a name of its own, of six small letters and digits", () => {
  const epochs = Array.from({ length: 200 }, newEpoch);
  for (const epoch of epochs) assertMatch(epoch, /^[a-z0-9]{6}$/);
  assertEquals(new Set(epochs).size, epochs.length);
});
