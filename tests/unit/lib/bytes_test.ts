import { concatBytes } from "../../../src/lib/bytes.ts";
import { assertEquals } from "../../support/assert.ts";

Deno.test("byte arrays are put one after the other, in a new buffer", () => {
  const buffer = new Uint8Array([0, 1, 2, 3]);
  const whole = concatBytes([buffer.subarray(1, 3), new Uint8Array(), new Uint8Array([9])]);
  assertEquals([...whole], [1, 2, 9]);
  buffer.fill(7);
  assertEquals([...whole], [1, 2, 9]);
  assertEquals(whole.buffer.byteLength, 3);
  assertEquals(concatBytes([]).length, 0);
});
