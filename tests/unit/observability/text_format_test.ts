import type { LogFields } from "../../../src/observability/log_line.ts";
import { formatText } from "../../../src/observability/text_format.ts";
import { assert, assertEquals, assertMatch } from "../../support/assert.ts";

const NOW = Date.UTC(2026, 10, 22, 7, 30);

function lineOf(fields: LogFields): string {
  return formatText({ time: NOW, level: "info", message: "message", fields });
}

Deno.test("a line has the time, the level, the message, then its fields", () => {
  assertEquals(
    lineOf({ listener: "client", address: "[::1]:8000", seconds: 1.5 }),
    "2026-11-22T07:30:00.000Z info message listener=client address=[::1]:8000 seconds=1.5",
  );
  assertEquals(lineOf({}), "2026-11-22T07:30:00.000Z info message");
});

Deno.test("a value that could be read as more than one is quoted", () => {
  for (const value of ["", "two words", "a=b", 'say "x"', "a,b", "a\\b", "a;b", "'x'", "é"]) {
    assertEquals(
      lineOf({ user: value }).split("message ")[1],
      `user=${JSON.stringify(value)}`,
    );
  }
});

Deno.test("a list shows each of its items", () => {
  assertEquals(
    lineOf({ channel: ["a", "b c", "d,e", "f"] }).split("message ")[1],
    'channel=a,"b c","d,e",f',
  );
});

Deno.test("of a long list the first five members are shown, and how many more there are", () => {
  const names = Array.from({ length: 5500 }, (_, n) => `c${n}`);
  const shown = (channel: readonly string[]) => lineOf({ channel }).split("message ")[1];
  assertEquals(shown(names.slice(0, 5)), "channel=c0,c1,c2,c3,c4");
  assertEquals(shown(names.slice(0, 6)), 'channel=c0,c1,c2,c3,c4,"and 1 more"');
  assertEquals(shown(names), 'channel=c0,c1,c2,c3,c4,"and 5495 more"');
  assertEquals(shown([]), "channel=");
});

Deno.test("no user's name can break a line, forge another, or send commands to a terminal", () => {
  const separators = ["\n", "\r", "\r\n", "\v", "\f", "\x1c", "\u0085", "\u2028", "\u2029"];
  const controls = ["\0", "\x1b[2K", "\x7f", "\x9b2K", "\u200f\u202e"];
  for (const mark of [...separators, ...controls]) {
    const user = `alex${mark}2026-11-22T07:30:00.000Z info forged`;
    for (const line of [lineOf({ user }), lineOf({ user: [user] })]) {
      assertMatch(line, /^[^\p{Cc}\p{Cf}\p{Zl}\p{Zp}]*$/u, JSON.stringify(mark));
    }
  }
});

Deno.test("a quoted value reads back unchanged", () => {
  for (const value of ['a "b" \\ \n c', "\x7f\x9b\u0085\u2028", "✓ é \ud800"]) {
    const quoted = lineOf({ user: value }).split("user=")[1];
    assert(quoted !== undefined);
    assertEquals(JSON.parse(quoted), value);
  }
});
