import fc from "npm:fast-check@4.10.2";
import { formatJson } from "../../../src/observability/json_format.ts";
import type { LogFields } from "../../../src/observability/log_line.ts";
import { assertEquals, assertMatch } from "../../support/assert.ts";

const NOW = Date.UTC(2026, 10, 22, 7, 30);

function lineOf(fields: LogFields): string {
  return formatJson({ time: NOW, level: "warn", message: "stream ended", fields });
}

/** The fields of a line, read back. */
function readBack(fields: LogFields): unknown {
  const { time, level, message, ...others } = JSON.parse(lineOf(fields));
  assertEquals([time, level, message], ["2026-11-22T07:30:00.000Z", "warn", "stream ended"]);
  return others;
}

Deno.test("a line is an object: time, level and message, then the fields under their own names", () => {
  assertEquals(
    lineOf({ ending: "too slow", channel: ["a", "b"], seconds: 1.5 }),
    '{"time":"2026-11-22T07:30:00.000Z","level":"warn","message":"stream ended",' +
      '"ending":"too slow","channel":["a","b"],"seconds":1.5}',
  );
});

Deno.test("a field never takes the place of the time, the level or the message", () => {
  assertEquals(readBack({ time: "t", level: "l", message: "m", count: 3 }), {
    fieldTime: "t",
    fieldLevel: "l",
    fieldMessage: "m",
    count: 3,
  });
});

Deno.test("a list is an array of names that were there, and beside it the number of further ones", () => {
  const names = Array.from({ length: 5500 }, (_, n) => `c${n}`);
  assertEquals(readBack({ channel: [] }), { channel: [] });
  assertEquals(readBack({ channel: names.slice(0, 1) }), { channel: ["c0"] });
  assertEquals(readBack({ channel: names.slice(0, 5) }), { channel: names.slice(0, 5) });
  assertEquals(readBack({ channel: names, user: "alex" }), {
    channel: names.slice(0, 5),
    channelLeftOut: 5495,
    user: "alex",
  });
});

Deno.test("no value can break a line, or send commands to a terminal, and each reads back unchanged", () => {
  const text = fc.string({ unit: "binary", maxLength: 20 });
  fc.assert(fc.property(text, fc.array(text, { maxLength: 5 }), (user, channel) => {
    assertMatch(lineOf({ user, channel }), /^[^\p{Cc}\p{Cf}\p{Zl}\p{Zp}]*$/u);
    assertEquals(readBack({ user, channel }), { user, channel });
  }));
});
