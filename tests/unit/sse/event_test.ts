import { createEvent } from "../../../src/sse/event.ts";
import { assertEquals } from "../../support/assert.ts";

function partsOf(
  block: string,
): { readonly text: string; readonly publisherId: string | undefined } {
  const event = createEvent({ channel: "chat", user: "alex", block }, 7, "abc123");
  return { text: new TextDecoder().decode(event.bytes), publisherId: event.publisherId };
}

Deno.test("an event without an id gets one as its last line, and exactly one blank line at its end", () => {
  assertEquals(partsOf("event: x\ndata: 1"), {
    text: "event: x\ndata: 1\nid: 0000000000000007-abc123\n\n",
    publisherId: undefined,
  });
});

Deno.test("the id is a line of its own, whatever the block's last line is", () => {
  for (
    const block of ["data: 1\n: a comment", ":", "data", "data: 1\rdata: 2", "data: 1\r\nx: ", " "]
  ) {
    assertEquals(partsOf(block).text, `${block}\nid: 0000000000000007-abc123\n\n`);
  }
});

Deno.test("an event that carries an id keeps it, and gets no second one", () => {
  const cases: readonly [block: string, id: string][] = [
    ["id: 42\ndata: 1", "42"],
    ["data: 1\nid: 42", "42"],
    ["data: 1\rid: 42", "42"],
    ["data: 1\r\nid: 42", "42"],
    ["id:42\ndata: 1", "42"],
    ["id:  42\ndata: 1", " 42"],
    ["id: a:b\ndata: 1", "a:b"],
    ["id: 1\nid: 2\ndata: 1", "2"],
    ["id: émile ✓\ndata: 1", "émile ✓"],
  ];
  for (const [block, id] of cases) {
    assertEquals(partsOf(block), { text: `${block}\n\n`, publisherId: id }, JSON.stringify(block));
  }
});

Deno.test("an event whose id is empty keeps it so, which tells the browser to forget its last id", () => {
  for (const block of ["id\ndata: 1", "id:\ndata: 1", "id: \ndata: 1", "id: 5\nid\ndata: 1"]) {
    assertEquals(partsOf(block), { text: `${block}\n\n`, publisherId: "" }, JSON.stringify(block));
  }
});

Deno.test("an id with NUL in it is none, as in a browser, so the event gets one", () => {
  assertEquals(partsOf("id: a\0b\ndata: 1"), {
    text: "id: a\0b\ndata: 1\nid: 0000000000000007-abc123\n\n",
    publisherId: undefined,
  });
  assertEquals(partsOf("id: 5\nid: a\0b\ndata: 1").publisherId, "5");
});

Deno.test("fields that only look like an id are none", () => {
  for (const block of ["ident: 5", "data: id: 5", " id: 5\ndata: 1", "ID: 5", "idx", ":id: 5"]) {
    assertEquals(partsOf(block).publisherId, undefined, JSON.stringify(block));
  }
});

Deno.test("an event's size is that of its bytes, before and after they are made", () => {
  const texts = ["", "1", "é", "ÿ", "\u0080", "✓", "😀", "\ud800", "\x7f\0"];
  for (const text of [...texts, ...texts.map((text) => text + "x".repeat(300))]) {
    const event = createEvent(
      { channel: "chat", user: "*", block: `data: ${text}` },
      7,
      "abc123",
    );
    const before = event.size;
    const bytes = new TextEncoder().encode(
      `data: ${text}\nid: 0000000000000007-abc123\n\n`,
    );
    assertEquals(
      [event.bytes, before, event.size],
      [bytes, bytes.length, bytes.length],
      JSON.stringify(text),
    );
  }
});

Deno.test("an event keeps its channel, its user and its place beside its bytes", () => {
  const { seq, channel, user, bytes } = createEvent(
    { channel: "chat", user: "alex", block: "data: 1" },
    7,
    "abc123",
  );
  assertEquals([seq, channel, user], [7, "chat", "alex"]);
  assertEquals(bytes, new TextEncoder().encode("data: 1\nid: 0000000000000007-abc123\n\n"));
});
