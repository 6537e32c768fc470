import { headerText, shown } from "../../../src/lib/shown_text.ts";
import { assertEquals } from "../../support/assert.ts";

Deno.test("a plain word is quoted as it is, anything else as JSON", () => {
  for (const word of ["chat", "orders.42", "a/b:c@d+e*-_"]) assertEquals(shown(word), word);
  assertEquals(shown("two words"), '"two words"');
  assertEquals(shown("line\nend"), '"line\\nend"');
  assertEquals(shown(""), '""');
});

Deno.test("a long text is shortened", () => {
  assertEquals(shown("x".repeat(100)), "x".repeat(100));
  assertEquals(shown("x".repeat(101)), `"${"x".repeat(100)}…"`);
});

Deno.test("a header's text is printable ASCII, whatever it quotes", () => {
  assertEquals(headerText('Nobody listens on "chät\\n".'), 'Nobody listens on "ch\\u00e4t\\n".');
  const headers = new Headers({ "SSE-Note": headerText("\u2028€𝄞\0\r\n\x7f") });
  assertEquals(
    headers.get("SSE-Note"),
    "\\u2028\\u20ac\\ud834\\udd1e\\u0000\\u000d\\u000a\\u007f",
  );
});
