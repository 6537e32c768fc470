import { parseClaimPath, putAt, valueAt } from "../../../src/auth/claim_path.ts";
import { assert, assertEquals } from "../../support/assert.ts";

function at(payload: unknown, text: string): unknown {
  const path = parseClaimPath(text);
  assert(path !== undefined, `${text} is a path`);
  return valueAt(payload, path);
}

Deno.test("a claim is named as it is, or by a JSON Pointer", () => {
  const payload = {
    sub: "a",
    "https://a.example/x": "b",
    r: { "a/b": ["c", "d"], "m~n": 1, "": 2 },
  };
  assertEquals(at(payload, "sub"), "a");
  assertEquals(at(payload, "https://a.example/x"), "b");
  assertEquals(at(payload, "/r/a~1b/1"), "d");
  assertEquals(at(payload, "/r/m~0n"), 1);
  assertEquals(at(payload, "/r/"), 2);
  for (
    const missing of ["x", "/r/x", "/sub/x", "/sub/0", "/r/a~1b/2", "toString", "/r/__proto__"]
  ) {
    assertEquals(at(payload, missing), undefined, missing);
  }
});

Deno.test("what could not stand in a header in quotes is no path", () => {
  for (const text of ["", 'a"b', "a\\b", "é", "a\nb", "/a~", "/a~2"]) {
    assertEquals(parseClaimPath(text), undefined, JSON.stringify(text));
  }
});

Deno.test("a value is put where it is read from, beside what is there", () => {
  const payload = {};
  const values: readonly [string, unknown][] = [["/a/b/c", 1], ["/a/b/d", ["e"]], ["x/y", 2]];
  for (const [text, value] of values) {
    const path = parseClaimPath(text);
    assert(path !== undefined, text);
    putAt(payload, path, value);
  }
  assertEquals(payload, { a: { b: { c: 1, d: ["e"] } }, "x/y": 2 });
  for (const [text, value] of values) assertEquals(at(payload, text), value);
});
