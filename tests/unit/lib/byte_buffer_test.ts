import { ByteBudget, ByteBuffer, UNCOUNTED_BYTES } from "../../../src/lib/byte_buffer.ts";
import { assert, assertEquals } from "../../support/assert.ts";

Deno.test("bytes come out as they went in, whatever their pieces", () => {
  const whole = Uint8Array.from({ length: 20_000 }, (_, n) => n % 251);
  for (const size of [1, 7, 1023, 1024, 1025, 20_000]) {
    const buffer = new ByteBuffer(whole.length, new ByteBudget(0, () => 0));
    for (let at = 0; at < whole.length; at += size) {
      assertEquals(buffer.append(whole.subarray(at, at + size)), "ok");
    }
    assertEquals(buffer.bytes, whole, `${size} at a time`);
  }
});

Deno.test("what was appended is a copy", () => {
  const buffer = new ByteBuffer(10, new ByteBudget(0, () => 0));
  const piece = new Uint8Array([1, 2]);
  buffer.append(piece);
  piece.fill(9);
  assertEquals([...buffer.bytes], [1, 2]);
});

Deno.test("what is too long is refused, and changes nothing", () => {
  const buffer = new ByteBuffer(3, new ByteBudget(1e9, () => 0));
  assertEquals(buffer.append(new Uint8Array([1, 2])), "ok");
  assertEquals(buffer.append(new Uint8Array([3, 4])), "too long");
  assertEquals(buffer.append(new Uint8Array([3])), "ok");
  assertEquals([...buffer.bytes], [1, 2, 3]);
});

Deno.test("buffers share their budget, which small ones take nothing of", () => {
  const budget = new ByteBudget(400_000, () => 0);
  const make = () => new ByteBuffer(300_000, budget);
  const small = make();
  small.append(new Uint8Array(UNCOUNTED_BYTES));
  assertEquals(budget.taken, 0);
  const [one, other] = [make(), make()];
  assertEquals(one.append(new Uint8Array(300_000)), "ok");
  assertEquals(other.append(new Uint8Array(300_000)), "no room");
  assertEquals([other.length, budget.taken], [0, 300_000]);
  assertEquals(small.append(new Uint8Array(1)), "no room", "a small one that grows");
  one.clear();
  assertEquals([one.length, budget.taken], [0, 0]);
  assertEquals(other.append(new Uint8Array(300_000)), "ok");
  for (const buffer of [small, other]) buffer.clear();
  assertEquals(budget.taken, 0);
});

Deno.test("a buffer takes at most twice what is in it, and never more than its limit", () => {
  const budget = new ByteBudget(1e9, () => 0);
  const buffer = new ByteBuffer(1_000_000, budget);
  for (let length = 1000; length <= 1_000_000; length += 1000) {
    buffer.append(new Uint8Array(1000));
    assert(budget.taken <= Math.min(2 * length, 1_000_000), `${budget.taken} for ${length}`);
  }
  assertEquals(budget.taken, 1_000_000);
});

Deno.test("a buffer that nobody fills any more loses its bytes to others that need them, and not before", () => {
  let now = 0;
  const budget = new ByteBudget(400_000, () => now);
  const [silent, other] = [new ByteBuffer(300_000, budget), new ByteBuffer(300_000, budget)];
  silent.append(new Uint8Array(200_000));
  now = 29_999;
  assertEquals(other.append(new Uint8Array(300_000)), "no room");
  silent.append(new Uint8Array(1));
  now = 59_998;
  assertEquals(other.append(new Uint8Array(300_000)), "no room");
  assertEquals([silent.wasEvicted, silent.length], [false, 200_001]);
  now = 59_999;
  assertEquals(other.append(new Uint8Array(300_000)), "ok");
  assertEquals([silent.wasEvicted, silent.length, budget.taken], [true, 0, 300_000]);
  assertEquals(silent.append(new Uint8Array(1)), "no room", "what comes is not the whole");
  silent.clear();
  assertEquals([silent.wasEvicted, silent.append(new Uint8Array(1))], [false, "ok"]);
});
