import { isName, MAX_NAME_LENGTH, NAME_RULE } from "../../../src/lib/names.ts";
import { assertEquals, assertIncludes } from "../../support/assert.ts";

Deno.test("any text is a name, except texts that a store could take for another", () => {
  for (const name of ["a", "*", " ", "a b", "a,b", "\n", "é✓", "👍", "\ufeff", "a\u0301"]) {
    assertEquals(isName(name), true, JSON.stringify(name));
  }
  for (const text of ["", "\0", "a\0", "\0a", "\ud800", "a\udc00", "\udc00\ud800"]) {
    assertEquals(isName(text), false, JSON.stringify(text));
  }
});

Deno.test("a name is as long as the rule says, and no longer", () => {
  for (const letter of ["a", "é", "✓"]) {
    assertEquals(isName(letter.repeat(MAX_NAME_LENGTH)), true);
    assertEquals(isName(letter.repeat(MAX_NAME_LENGTH + 1)), false);
  }
  assertEquals(isName("👍".repeat(MAX_NAME_LENGTH / 2)), true, "two units each");
  assertEquals(isName("👍".repeat(MAX_NAME_LENGTH / 2) + "a"), false);
  assertIncludes(NAME_RULE, `1 to ${MAX_NAME_LENGTH} characters`);
});
