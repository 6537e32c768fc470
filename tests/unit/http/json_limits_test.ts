import { systemClock } from "../../../src/lib/clock.ts";
import { BodyLimits } from "../../../src/http/body_limits.ts";
import { checkJson } from "../../../src/http/json_limits.ts";
import { BadBody, TooLarge } from "../../../src/lib/errors.ts";
import { assert, assertEquals, assertMatch } from "../../support/assert.ts";

const LIMITS = new BodyLimits(1_048_576, systemClock);

function refusal(text: string, limits = LIMITS): Error | undefined {
  try {
    checkJson(text, limits);
    return undefined;
  } catch (error) {
    assert(error instanceof Error);
    return error;
  }
}

Deno.test("JSON is refused past 512 levels of nesting, of arrays and of objects", () => {
  const nested = (open: string, close: string, depth: number) =>
    `{"data":${open.repeat(depth - 1)}1${close.repeat(depth - 1)}}`;
  for (const [open, close] of [["[", "]"], ['{"a":', "}"]] as const) {
    assertEquals(refusal(nested(open, close, 512)), undefined);
    const error = refusal(nested(open, close, 513));
    assert(error instanceof BadBody, String(error));
    assertEquals(error.message, "Body not understood: its JSON is nested more than 512 deep.");
  }
  assertEquals(
    refusal(`[${"[[],[]],".repeat(5000)}1]`),
    undefined,
    "many, but none within another",
  );
});

Deno.test("JSON is refused past a thousand fields, and a hundred thousand members in all", () => {
  const members = (count: number) => Array.from({ length: count }, (_, n) => `"${n}":1`).join();
  assertEquals(refusal(`{${members(1000)}}`), undefined);
  const fields = refusal(`{${members(1001)}}`);
  assert(fields instanceof TooLarge, String(fields));
  assertEquals(fields.message, "Body too large: more than 1000 fields.");
  assertEquals(refusal(`{"data":{${members(99_999)}}}`), undefined);
  const all = refusal(`{"data":{${members(100_000)}}}`);
  assert(all instanceof TooLarge, String(all));
  assertEquals(all.message, "Body too large: its JSON has more than 100000 members.");
});

Deno.test("JSON of more values than the largest payload could hold is refused", () => {
  const limits = new BodyLimits(10_000, systemClock);
  const text = (count: number) => `{"data":[${'"",'.repeat(count)}0]}`;
  assertEquals(refusal(text(25_000), limits), undefined);
  const error = refusal(text(26_000), limits);
  assert(error instanceof TooLarge, String(error));
  assertMatch(
    error.message,
    /^Body too large: .* alone are more than 75536 bytes \(-max-payload\)\.$/,
  );
});

Deno.test("what stands in a text is no part of the JSON around it", () => {
  const marks = '[{:,\\"\\\\\\"]}';
  const parsed = JSON.parse(`"${marks}"`);
  assertEquals(parsed, '[{:,"\\"]}');
  for (
    const text of [marks.repeat(200_000), `${marks.repeat(200_000)}\\\\`, "[".repeat(2_000_000)]
  ) {
    assertEquals(refusal(`{"data":"${text}","a${text}":1}`), undefined);
  }
  assert(refusal(`{"data":"\\\\\\\\",${"[".repeat(2000)}`) !== undefined, "behind a text");
  assert(refusal(`{"\\"":"",${"[".repeat(2000)}`) !== undefined, "behind an escaped mark");
});

Deno.test("a text that never ends is left to the parser", () => {
  assertEquals(refusal(`{"data":"${"[".repeat(2_000_000)}`), undefined);
});
