import { systemClock } from "../../../src/lib/clock.ts";
import { BodyLimits } from "../../../src/http/body_limits.ts";
import { type Line, LineReader } from "../../../src/http/line_reader.ts";
import { assert, assertEquals, assertMatch } from "../../support/assert.ts";

const encoder = new TextEncoder();

function readAll(reader: LineReader, text: string, size: number): Line[] {
  const bytes = encoder.encode(text);
  const lines: Line[] = [];
  for (let at = 0; at < bytes.length; at += size) {
    lines.push(...reader.take(bytes.slice(at, at + size)));
  }
  return [...lines, ...reader.finish()];
}

function told(lines: readonly Line[]): readonly (string | number)[] {
  return lines.map((line) => typeof line === "string" ? line : line.status);
}

Deno.test("lines come out whole, however they are cut into chunks", () => {
  const limits = new BodyLimits(1000, systemClock);
  const cases: readonly [text: string, lines: Line[]][] = [
    ["", []],
    ["\n", [""]],
    ["a", ["a"]],
    ["a\n", ["a"]],
    ["\n\né✓𝄞\r\n\nlast", ["", "", "é✓𝄞\r", "", "last"]],
    [`${"x".repeat(3000)}\n\n${"y".repeat(2000)}\n`, ["x".repeat(3000), "", "y".repeat(2000)]],
  ];
  for (const [text, lines] of cases) {
    for (const size of [1, 2, 3, 7, 1000, 1e6]) {
      assertEquals(readAll(new LineReader(limits), text, size), lines, `${size} at a time`);
    }
  }
});

Deno.test("a line that is too long is told so, and the lines around it come out", () => {
  const limits = new BodyLimits(1, systemClock);
  const text = `first\n${"x".repeat(limits.maxBytes + 1)}\nlast`;
  for (const size of [1, 1000, 1e6]) {
    const lines = readAll(new LineReader(limits), text, size);
    assertEquals(told(lines), ["first", 413, "last"], `${size} at a time`);
    assert(lines[1] instanceof Error);
    assertMatch(lines[1].message, /^Line too large: more than 65542 bytes \(-max-payload\)\.$/);
  }
  const exact = "x".repeat(limits.maxBytes);
  assertEquals(readAll(new LineReader(limits), `${exact}\n`, 1000), [exact]);
});

Deno.test("past the room for all unfinished lines together a line is refused, and those after it come out", () => {
  const limits = new BodyLimits(100_000, systemClock, 500_000);
  const long = "x".repeat(200_000);
  const holder = new LineReader(limits);
  holder.take(encoder.encode(long));
  const refused = new LineReader(limits);
  const lines = readAll(refused, `short\n${long}${long}\nafter\n${"y".repeat(60_000)}`, 50_000);
  assertEquals(told(lines), ["short", 503, "after", "y".repeat(60_000)]);
  const [kept, next] = readAll(holder, "end\nnext", 1000);
  assertEquals([kept === `${long}end`, next], [true, "next"]);
  assertEquals(limits.unfinished.taken, 0);
});

Deno.test("a line that is dropped gives its room back, and none of it is in the next", () => {
  const limits = new BodyLimits(100_000, systemClock);
  const reader = new LineReader(limits);
  reader.take(new Uint8Array(200_000));
  assert(limits.unfinished.taken >= 200_000);
  reader.drop();
  assertEquals(limits.unfinished.taken, 0);
  assertEquals(reader.finish(), []);
  assertEquals(readAll(reader, "a\n", 10), ["a"]);
});

Deno.test("a line whose bytes were taken away while nobody sent it is refused, whatever comes after them", () => {
  let now = 0;
  const clock = { wall: () => now, steady: () => now };
  const limits = new BodyLimits(100_000, clock, 500_000);
  const [silent, other] = [new LineReader(limits), new LineReader(limits)];
  assertEquals(silent.take(encoder.encode("x".repeat(300_000))), []);
  now = 30_000;
  assertEquals(other.take(encoder.encode("y".repeat(400_000))), []);
  assertEquals(told(silent.take(encoder.encode(`{"userId":"*"}\nnext\n`))), [503, "next"]);
  assertEquals(told(other.take(encoder.encode("\n"))), ["y".repeat(400_000)]);
});
