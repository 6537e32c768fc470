import { encodeBlock, encodeLines } from "../../../src/sse/encode.ts";
import { assertEquals } from "../../support/assert.ts";

Deno.test("what the server says itself ends with a blank line only where an event is to end", () => {
  const decoder = new TextDecoder();
  assertEquals(decoder.decode(encodeLines(": connected", "retry: 1")), ": connected\nretry: 1\n");
  assertEquals(decoder.decode(encodeBlock("retry: 1", "id: 2")), "retry: 1\nid: 2\n\n");
});
