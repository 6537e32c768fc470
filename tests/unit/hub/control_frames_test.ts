import { ControlFrames } from "../../../src/hub/control_frames.ts";
import { assert, assertEquals, assertMatch } from "../../support/assert.ts";

const frames = new ControlFrames(1000);

const BROWSER = { isEventSource: true };
const PROGRAM = { isEventSource: false };

function text(bytes: Uint8Array): string {
  return new TextDecoder().decode(bytes);
}

Deno.test("a stream begins with a comment and a time to come back, and a place where the client has none", () => {
  assertMatch(text(frames.greeting(undefined, BROWSER)), /^: connected\nretry: [0-9]+\n$/);
  assertMatch(text(frames.greeting("7-a", BROWSER)), /^: connected\nretry: [0-9]+\nid: 7-a\n\n$/);
});

Deno.test("a heartbeat is a comment, with the place where that is news", () => {
  assertEquals(text(frames.heartbeat(undefined, true)), ":\n");
  assertEquals(text(frames.heartbeat("7-a", true)), ":\nid: 7-a\n\n");
});

Deno.test("a client that gets no stream is told why, when to come back and from where", () => {
  const told = text(frames.reject("over the limit", "7-a", BROWSER));
  assertMatch(told, /^retry: [0-9]+\n: over the limit\nid: 7-a\n\n$/);
  assertMatch(text(frames.reject("draining", undefined, BROWSER)), /^retry: [0-9]+\n: draining\n$/);
});

Deno.test("a stream that the server ends says why and when to come back, and no place", () => {
  assertMatch(text(frames.closeNotice("draining")), /^retry: [0-9]+\n: draining\n$/);
});

Deno.test("a client that can send headers is given no blank line, which it would take for a message", () => {
  const given = [
    frames.greeting("7-a", PROGRAM),
    frames.heartbeat("7-a", false),
    frames.reject("draining", "7-a", PROGRAM),
    frames.closeNotice("draining"),
  ].map(text);
  for (const frame of given) assert(!frame.includes("\n\n") && frame.endsWith("\n"), frame);
  assertEquals(given.map((frame) => frame.includes("id: 7-a")), [true, true, true, false]);
});

Deno.test("a client that wants it is greeted by an event, with its place where it has none", () => {
  for (const client of [BROWSER, PROGRAM].map((traits) => ({ ...traits, wantsHello: true }))) {
    const hello = 'event: hello\ndata: {"lastEventId":"7-a"}\nid: 7-a\n\n';
    assert(text(frames.greeting("7-a", client)).endsWith(`\n${hello}`));
    assert(text(frames.reject("draining", "7-a", client)).endsWith(`\n: draining\n${hello}`));
    assert(text(frames.greeting(undefined, client)).endsWith("\nevent: hello\ndata: {}\n\n"));
  }
});

Deno.test("clients are told times from half to one and a half of the one set, in whole milliseconds", () => {
  const times = Array.from({ length: 1000 }, () => {
    return Number(/retry: ([0-9]+)/.exec(text(frames.closeNotice("draining")))?.[1]);
  });
  assert(times.every((ms) => Number.isInteger(ms) && ms >= 500 && ms <= 1500), `${times}`);
  // Spread out, so that they do not come back all at once.
  assert(Math.min(...times) < 600 && Math.max(...times) > 1400, `${times}`);
});
