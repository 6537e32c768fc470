import { ownPart, ownText } from "../../../src/lib/own_text.ts";
import { assert, assertEquals } from "../../support/assert.ts";

Deno.test("a text of its own is the same text", () => {
  for (const text of ["", "a", "a text that is longer", "naïve 🙂 text", "\ud83d alone \ude42"]) {
    assertEquals(ownText(text), text);
    assertEquals(ownPart(text, text + "x".repeat(2000)), text);
  }
});

Deno.test("of large requests only the parts stay in memory that are remembered", async () => {
  const program = new URL("../../support/kept_of_requests.ts", import.meta.url).pathname;
  const { stdout } = await new Deno.Command(Deno.execPath(), {
    args: ["run", "--quiet", "-A", "--v8-flags=--expose-gc", program],
    stderr: "inherit",
  }).output();
  const [megabytes] = new TextDecoder().decode(stdout).split(" ").map(Number);
  assert(megabytes !== undefined && megabytes > 0 && megabytes < 20, `${megabytes} MB`);
});
