import { createHash } from "node:crypto";
import {
  type ControlKey,
  controlKeyLine,
  digestOf,
  isKeyName,
  parseControlKeys,
  randomControlKey,
} from "../../../src/auth/control_keys.ts";
import { assert, assertEquals, assertMatch } from "../../support/assert.ts";

function parse(text: string): readonly ControlKey[] {
  const keys = parseControlKeys(text);
  assert(typeof keys !== "string", String(keys));
  return keys;
}

function refusal(text: string): string {
  const keys = parseControlKeys(text);
  assert(typeof keys === "string", `${JSON.stringify(text)} was accepted`);
  return keys;
}

const DIGEST = "0".repeat(64);

Deno.test("a digest is SHA-256 of the key's bytes, also of a key that came in a header", () => {
  const key = "k3y ✓";
  assertEquals(digestOf(key), createHash("sha256").update(key).digest("hex"));
  const header = String.fromCharCode(...new TextEncoder().encode(key));
  assertEquals(digestOf(header, "latin1"), digestOf(key));
});

Deno.test("a line that was made for a key is read as that key's, and holds nothing of it", () => {
  const key = randomControlKey();
  const line = controlKeyLine("shop", key, ["emit:orders.*", "read"]);
  assertEquals(line, `shop sha256:${digestOf(key)} emit:orders.* read`);
  const [read] = parse(line);
  assertEquals([read?.name, read?.digest], ["shop", digestOf(key)]);
  assertEquals(read?.rights.covers("emit", "orders.1"), true);
  assertEquals(read?.rights.has("steer"), false);
});

Deno.test("a random key is 256 bits that no other has, in letters that need no quoting", () => {
  const [one, two] = [randomControlKey(), randomControlKey()];
  assertMatch(one, /^[\w-]{43}$/);
  assert(one !== two);
});

Deno.test("blank lines and comments are left out, and white space does not matter", () => {
  const digests = ["1", "2", "3"].map((key) => digestOf(key));
  const text = `\uFEFF# keys\r\n\n  shop\tsha256:${digests[0]}  read \r\n#old sha256:x\n` +
    `  # more\ncrm sha256:${digests[1]?.toUpperCase()} all\n\nlast sha256:${digests[2]} steer`;
  const keys = parse(text);
  assertEquals(keys.map(({ name }) => name), ["shop", "crm", "last"]);
  assertEquals(keys.map(({ digest }) => digest), digests);
});

Deno.test("what is wrong with a line is told by its number, without what stands in it", () => {
  const cases: readonly [line: string, told: RegExp][] = [
    ["-shop sha256:x all", /^line 3: the name must be 1 to 64 letters, /],
    [`sh/op sha256:${DIGEST} all`, /^line 3: the name must be /],
    [`${"x".repeat(65)} sha256:${DIGEST} all`, /^line 3: the name must be /],
    ["hunter2", /^line 3: after the name must come sha256: and 64 hexadecimal digits/],
    ["crm hunter2 all", /^line 3: after the name must come sha256:/],
    [`crm ${DIGEST} all`, /^line 3: after the name must come sha256:/],
    [`crm sha256:${DIGEST}0 all`, /^line 3: after the name must come sha256:/],
    [`crm sha256:${DIGEST}`, /^line 3: no right is given; give one or more of /],
    [`crm sha256:${DIGEST} read hunter2`, /^line 3: right 2 is not known; /],
    [`crm sha256:${DIGEST} emit`, /^line 3: right 1 is without channels; /],
    [`shop sha256:${digestOf("other")} all`, /^line 3: a line before has the name shop$/],
    [`crm sha256:${digestOf("key")} all`, /^line 3: the key is that of shop$/],
  ];
  for (const [line, told] of cases) {
    const refused = refusal(`${controlKeyLine("shop", "key", ["read"])}\n\n${line}\n`);
    assertMatch(refused, told);
    assert(!refused.includes("hunter2") && !refused.includes(DIGEST), refused);
  }
});

Deno.test("a file without a key is refused: nobody could use the control listener", () => {
  for (const text of ["", "\n", "# shop sha256:x all\n"]) {
    assertEquals(refusal(text), "it has no key; make one with sse-server key");
  }
});

Deno.test("a key's name stands in the log as it is", () => {
  for (const name of ["a", "9", "shop", "Shop-2.back_end"]) assert(isKeyName(name), name);
  for (const name of ["", "-a", ".a", "_a", "a b", "a=b", 'a"', "é", "a\n", "a".repeat(65)]) {
    assert(!isKeyName(name), name);
  }
});
