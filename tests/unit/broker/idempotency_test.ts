import { fingerprintOf, keyReused } from "../../../src/broker/idempotency.ts";
import { assert, assertEquals, assertMatch } from "../../support/assert.ts";
import { publication } from "../../support/hub/rig.ts";
import { KeyReused } from "../../../src/lib/errors.ts";

Deno.test("the same emit has the same fingerprint, under whatever key it comes", () => {
  const one = fingerprintOf(publication("red", "ann", ["data: 1", "data: 2"], "key"));
  assertEquals(fingerprintOf(publication("red", "ann", ["data: 1", "data: 2"], "other key")), one);
  assertEquals(fingerprintOf(publication("red", "ann", ["data: 1", "data: 2"])), one);
});

Deno.test("emits that differ in anything that a client sees have different fingerprints", () => {
  const emits = [
    publication("red", "ann", ["data: 1", "data: 2"]),
    publication("red", "ann", ["data: 2", "data: 1"]),
    publication("red", "ann", ["data: 1"]),
    publication("red", "ann", ["data: 1", "data: 1"]),
    publication("red", "ann", ["data: 1data: 2"]),
    publication("red", "ann", ["data: 1\ndata: 2"]),
    publication("red", "*", ["data: 1"]),
    publication("redann", "", ["data: 1"]),
    publication("re", "dann", ["data: 1"]),
    publication('red","ann', "", ["data: 1"]),
    publication("blue", "ann", ["data: 1"]),
    publication("red", "ann", []),
  ];
  assertEquals(new Set(emits.map(fingerprintOf)).size, emits.length);
});

Deno.test("a fingerprint is short, whatever is published", () => {
  const large = publication("red", "*", ["data: " + "x".repeat(1_000_000)]);
  assertEquals(fingerprintOf(large).length, 44);
});

Deno.test("a key that is used again is refused with what a retry must do", () => {
  assert(keyReused() instanceof KeyReused);
  assertMatch(
    keyReused().message,
    /^Idempotency key refused: .* must repeat the same event\.$/,
  );
});
