import { blocksOf, dataBlock, linesOf, publisherIdOf } from "../../../src/sse/blocks.ts";
import { assertEquals } from "../../support/assert.ts";

Deno.test("a payload is one block, whatever line ends close it", () => {
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

Deno.test("the id of a block is the value of its last id line, without the one space after the colon", () => {
  const cases: readonly [block: string, id: string | undefined][] = [
    ["id: 42\ndata: 1", "42"],
    ["data: 1\rid:42", "42"],
    ["data: 1\r\nid:  42", " 42"],
    ["id: 1\nid: 2", "2"],
    ["id: 1\nid", ""],
    ["id: 1\nid: a\0b", "1"],
    ["id: a\0b", undefined],
    ["ident: 5\n id: 5\ndata: id: 5", undefined],
    ["data: 1", undefined],
  ];
  for (const [block, id] of cases) assertEquals(publisherIdOf(block), id, JSON.stringify(block));
});
