import { packEvents, unpackEvents } from "../../../../src/broker/thread/event_batch.ts";
import { createEvent } from "../../../../src/sse/event.ts";
import { assertEquals } from "../../../support/assert.ts";

const BLOCKS = ["data: 1", "data: é ☃ 😀", `data: ${"x".repeat(1000)}`, "id: mine\ndata: 4", ":"];

Deno.test("events are the same after the way to another thread", () => {
  const events = BLOCKS.map((block, n) =>
    createEvent({ channel: `channel ${n}`, user: n % 2 ? "*" : "ann", block }, n + 1, "abcdef")
  );
  const there = unpackEvents(structuredClone(packEvents(events)));
  const plain = (list: typeof there) =>
    list.map(({ seq, channel, user, publisherId, bytes, size }) => ({
      ...{ seq, channel, user, publisherId, size },
      text: new TextDecoder().decode(bytes),
    }));
  assertEquals(plain(there), plain(events));
  assertEquals(there.map(({ publisherId }) => publisherId).filter(Boolean), ["mine"]);
});

Deno.test("an event does not keep the others of its batch in memory", () => {
  const events = BLOCKS.map((block, n) =>
    createEvent({ channel: "red", user: "*", block }, n + 1, "abcdef")
  );
  for (const { bytes } of unpackEvents(packEvents(events))) {
    assertEquals(bytes.buffer.byteLength, bytes.length);
  }
});

Deno.test("a batch may be empty", () => {
  assertEquals(unpackEvents(structuredClone(packEvents([]))), []);
});
