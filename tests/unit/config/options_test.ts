import {
  describeOptions,
  describeRange,
  environmentName,
  type Option,
  SERVER_OPTIONS,
  TOKEN_OPTIONS,
} from "../../../src/config/options.ts";
import { assertEquals, assertIncludes, assertMatch } from "../../support/assert.ts";

Deno.test("each flag has an environment variable of its own", () => {
  assertEquals(environmentName("bind"), "SSE_BIND");
  assertEquals(environmentName("max-payload"), "SSE_MAX_PAYLOAD");
  assertEquals(environmentName("history-total-bytes"), "SSE_HISTORY_TOTAL_BYTES");
  const names = SERVER_OPTIONS.map(({ name }) => environmentName(name));
  assertEquals(new Set(names).size, names.length);
});

Deno.test("the flags of the replaced program are there with their defaults", () => {
  const defaults = new Map<string, string>(
    SERVER_OPTIONS.map((option) => [option.name, option.default]),
  );
  assertEquals(defaults.get("bind"), ":8000");
  assertEquals(defaults.get("bindctl"), "127.0.0.1:8001");
  assertEquals(defaults.get("secret"), "", "there must be no built-in secret");
  assertEquals(
    TOKEN_OPTIONS.map(({ name }) => name).slice(0, 4),
    ["userId", "channel", "exp", "secret"],
  );
});

Deno.test("the help lists every flag on a line of its own, with its default and its range where it has them", () => {
  const help = describeOptions(SERVER_OPTIONS);
  for (const option of SERVER_OPTIONS) {
    assertMatch(help, new RegExp(`^  -${option.name}( [A-Z]+)?$`, "m"));
    assertIncludes(help, option.help);
    if (option.default !== "") assertIncludes(help, `${option.help} (default ${option.default}`);
  }
  assertMatch(help, / \(default 15; 0\.05 to 3600, or 0\)$/m);
  assertMatch(help, / \(default sse:\)$/m);
});

Deno.test("each option that is a number says which numbers it takes, in plain digits", () => {
  const numbers = ["N", "BYTES", "MS", "SECONDS"];
  for (const option of [...SERVER_OPTIONS, ...TOKEN_OPTIONS] as readonly Option[]) {
    const isNumber = numbers.includes(option.value ?? "") && option.name !== "exp";
    const range = describeRange(option);
    if (isNumber) assertMatch(range ?? "", /^[0-9.]+ to [0-9.]+(, or 0)?$/, option.name);
    else assertEquals(range, undefined, option.name);
  }
});
