import { Settings } from "../../../src/config/settings.ts";
import { UsageError } from "../../../src/lib/errors.ts";
import { assert, assertEquals, assertThrows } from "../../support/assert.ts";

function settings(
  flags: Readonly<Record<string, readonly string[]>>,
  environment: Readonly<Record<string, string>> = {},
): Settings {
  return new Settings(flags, (name) => environment[name]);
}

Deno.test("a value comes from the last flag, else from the variable, else from the default", () => {
  const environment = { SSE_COOKIE: "variable" };
  assertEquals(settings({ cookie: ["a", "b"] }, environment).text("cookie"), "b");
  assertEquals(settings({}, environment).text("cookie"), "variable");
  assertEquals(settings({}).text("cookie"), "sse_token");
});

Deno.test("a flag may be empty, a variable that is empty counts as absent", () => {
  assertEquals(settings({ cors: [""] }, { SSE_CORS: "https://a.example" }).text("cors"), "");
  assertEquals(settings({}, { SSE_COOKIE: "" }).text("cookie"), "sse_token");
});

Deno.test("a message names the flag or the variable of the value", () => {
  const environment = { SSE_RETRY: "soon" };
  assertEquals(settings({ retry: ["soon"] }, environment).source("retry"), "-retry");
  assertEquals(settings({}, environment).source("retry"), "SSE_RETRY");
  assertEquals(settings({}).source("retry"), "-retry");
  assertThrows(() => settings({}, environment).number("retry"), /^Bad value in SSE_RETRY: /);
});

Deno.test("a number is digits, with a fraction only for seconds", () => {
  const number = (name: "retry" | "stall", text: string) =>
    settings({ [name]: [text] }).number(name);
  assertEquals(number("retry", "007"), 7);
  assertEquals(number("stall", "1.50"), 1.5);
  assertEquals(settings({ stall: ["0.05"] }).milliseconds("stall"), 50);
  for (const text of ["1.5", "1e3", "0x10", "+1", " 1", "1 ", "١", "1_000", "9".repeat(400)]) {
    assertThrows(() => number("retry", text), /^Bad value in -retry: /);
  }
  for (const text of ["1.", ".5", "1.5.5", "1,5", "NaN", "Infinity"]) {
    assertThrows(() => number("stall", text), /^Bad value in -stall: /);
  }
});

Deno.test("a wrong value is wrong usage, and is not repeated: it may be a secret in the wrong place", () => {
  let error: unknown;
  try {
    settings({ retry: ["hunter2"] }).number("retry");
  } catch (thrown) {
    error = thrown;
  }
  assert(error instanceof UsageError);
  assertEquals(error.message.includes("hunter2"), false);
});

Deno.test("a list leaves out empty items, and white space around the others", () => {
  assertEquals(settings({ "control-host": [" a, ,b ,"] }).list("control-host"), ["a", "b"]);
  assertEquals(settings({}).list("control-host"), []);
});
