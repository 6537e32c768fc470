import { blocksOf, dataBlock, linesOf } from "../../../src/sse/blocks.ts";
import { encodeBlock, encodeLines } from "../../../src/sse/encode.ts";
import { createEvent } from "../../../src/sse/event.ts";
import { assertEquals } from "../../support/assert.ts";

function partsOf(
  block: string,
): { readonly text: string; readonly publisherId: string | undefined } {
  const event = createEvent({ channel: "chat", user: "alex", block }, 7, "abc123");
  return { text: new TextDecoder().decode(event.bytes), publisherId: event.publisherId };
}

Deno.test("a payload is one block, with any line ends at its end", () => {
  for (const end of ["", "\n", "\n\n", "\n\n\n", "\r", "\r\r", "\r\n", "\r\n\r\n", "\n\r\n\r"]) {
    assertEquals(blocksOf(`event: x\ndata: 1${end}`), ["event: x\ndata: 1"], JSON.stringify(end));
  }
});

Deno.test("a payload keeps the line ends between its own lines as they came", () => {
  for (const end of ["\n", "\r", "\r\n"]) {
    assertEquals(blocksOf(`data: 1${end}data: 2${end}`), [`data: 1${end}data: 2`]);
  }
});

Deno.test("a payload with blank lines inside is several blocks, with any kind of line end", () => {
  for (const end of ["\n", "\r", "\r\n"]) {
    const payload = `data: 1${end}${end}data: 2${end}data: 3${end}${end}${end}data: 4${end}`;
    assertEquals(
      blocksOf(payload),
      ["data: 1", `data: 2${end}data: 3`, "data: 4"],
      JSON.stringify(end),
    );
  }
});

Deno.test("mixed line ends are read as a browser reads them", () => {
  // LF then CR is two line ends, CR then LF is one.
  assertEquals(blocksOf("data: 1\n\rdata: 2"), ["data: 1", "data: 2"]);
  assertEquals(blocksOf("data: 1\r\ndata: 2"), ["data: 1\r\ndata: 2"]);
  assertEquals(blocksOf("data: 1\r\n\ndata: 2"), ["data: 1", "data: 2"]);
  assertEquals(blocksOf("data: 1\r\r\ndata: 2"), ["data: 1", "data: 2"]);
  assertEquals(blocksOf("data: 1\n\r\ndata: 2"), ["data: 1", "data: 2"]);
});

Deno.test("blank lines before the first line of a payload are left out", () => {
  for (const blank of ["\n", "\n\n", "\r\n", "\r", "\r\n\n\r"]) {
    assertEquals(blocksOf(`${blank}data: 1\n`), ["data: 1"], JSON.stringify(blank));
  }
});

Deno.test("a payload of nothing but line ends has no block", () => {
  for (const payload of ["", "\n", "\r", "\r\n", "\n\n\r\r\n"]) {
    assertEquals(blocksOf(payload), [], JSON.stringify(payload));
  }
});

Deno.test("a line of a single space is no blank line", () => {
  assertEquals(blocksOf("data: 1\n \ndata: 2\n"), ["data: 1\n \ndata: 2"]);
});

Deno.test("text is split into lines at LF, CR and CRLF alike, and keeps its empty lines", () => {
  assertEquals(linesOf("a\nb\rc\r\nd"), ["a", "b", "c", "d"]);
  assertEquals(linesOf("a\n\nb"), ["a", "", "b"]);
  assertEquals(linesOf("a\n"), ["a", ""]);
  assertEquals(linesOf("\r\n"), ["", ""]);
  assertEquals(linesOf(""), [""]);
  // Line separators of Unicode are ordinary characters to an event stream.
  assertEquals(linesOf("a\u2028b\u0085c"), ["a\u2028b\u0085c"]);
});

Deno.test("an event without an id gets one at its start, and exactly one blank line at its end", () => {
  assertEquals(partsOf("event: x\ndata: 1"), {
    text: "id: 0000000000000007-abc123\nevent: x\ndata: 1\n\n",
    publisherId: undefined,
  });
});

Deno.test("an event with an id keeps it, and gets no second one", () => {
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
    text: "id: 0000000000000007-abc123\nid: a\0b\ndata: 1\n\n",
    publisherId: undefined,
  });
  assertEquals(partsOf("id: 5\nid: a\0b\ndata: 1").publisherId, "5");
});

Deno.test("fields that only look like an id are none", () => {
  for (const block of ["ident: 5", "data: id: 5", " id: 5\ndata: 1", "ID: 5", "idx", ":id: 5"]) {
    assertEquals(partsOf(block).publisherId, undefined, JSON.stringify(block));
  }
});

Deno.test("data of one line is one data line, and data of several lines is several", () => {
  assertEquals(dataBlock("hello", {}), "data: hello");
  assertEquals(dataBlock("", {}), "data: ");
  assertEquals(dataBlock(" padded ", {}), "data:  padded ");
  assertEquals(dataBlock("a\nb", {}), "data: a\ndata: b");
  assertEquals(dataBlock("a\rb\r\nc", {}), "data: a\ndata: b\ndata: c");
  assertEquals(dataBlock("a\n\nb\n", {}), "data: a\ndata: \ndata: b\ndata: ");
});

Deno.test("data cannot smuggle other fields into the stream", () => {
  assertEquals(
    dataBlock("x\nevent: forged\rid: 1\n\ndata: y", {}),
    "data: x\ndata: event: forged\ndata: id: 1\ndata: \ndata: data: y",
  );
});

Deno.test("an event's type and its retry time come before its data", () => {
  assertEquals(
    dataBlock("1", { event: "news", retry: "500" }),
    "event: news\nretry: 500\ndata: 1",
  );
});

Deno.test("the server's own lines end with a blank line only if they are a block", () => {
  const decoder = new TextDecoder();
  assertEquals(decoder.decode(encodeLines(": connected", "retry: 1")), ": connected\nretry: 1\n");
  assertEquals(decoder.decode(encodeBlock("retry: 1", "id: 2")), "retry: 1\nid: 2\n\n");
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
      `id: 0000000000000007-abc123\ndata: ${text}\n\n`,
    );
    assertEquals(
      [event.bytes, before, event.size],
      [bytes, bytes.length, bytes.length],
      JSON.stringify(text),
    );
  }
});
