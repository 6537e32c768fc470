import { parseFlags } from "../../../src/cli/flags.ts";
import { UsageError } from "../../../src/lib/errors.ts";
import type { Option } from "../../../src/config/options.ts";
import { assert, assertEquals, assertMatch } from "../../support/assert.ts";

const OPTIONS: readonly Option[] = [
  { name: "bind", value: "ADDRESS", default: "", help: "" },
  { name: "max-payload", value: "N", default: "", help: "" },
  { name: "dev", default: "", help: "" },
];

const COMMANDS = ["health"];

function flagsOf(...args: readonly string[]): Record<string, readonly string[]> {
  return { ...parseFlags(args, OPTIONS, COMMANDS).flags };
}

function refusal(...args: readonly string[]): string {
  try {
    flagsOf(...args);
  } catch (error) {
    assert(error instanceof UsageError, `a usage error, not ${error}`);
    return error.message;
  }
  throw new Error(`${JSON.stringify(args)} was accepted`);
}

Deno.test("a flag may have one dash or two, and its value after a space or an equals sign", () => {
  for (const args of [["-bind", ":1"], ["--bind", ":1"], ["-bind=:1"], ["--bind=:1"]]) {
    assertEquals(flagsOf(...args), { bind: [":1"] }, args.join(" "));
  }
});

Deno.test("a value may begin with a dash, hold an equals sign, be empty or have several lines", () => {
  assertEquals(flagsOf("-bind", "-x"), { bind: ["-x"] });
  assertEquals(flagsOf("-bind", "--dev"), { bind: ["--dev"] });
  assertEquals(flagsOf("-bind=-x"), { bind: ["-x"] });
  assertEquals(flagsOf("-bind=a=b"), { bind: ["a=b"] });
  assertEquals(flagsOf("-bind", "a=b"), { bind: ["a=b"] });
  assertEquals(flagsOf("-bind="), { bind: [""] });
  assertEquals(flagsOf("-bind", ""), { bind: [""] });
  assertEquals(flagsOf("-bind=a\nb"), { bind: ["a\nb"] });
});

Deno.test("a flag that comes several times keeps every value, in order", () => {
  assertEquals(flagsOf("-bind", "1", "--bind=2", "-bind", "3"), { bind: ["1", "2", "3"] });
});

Deno.test("a switch takes no word after it, but may be turned off with an equals sign", () => {
  assertEquals(flagsOf("-dev"), { dev: ["true"] });
  assertEquals(flagsOf("-dev=false"), { dev: ["false"] });
  assertEquals(flagsOf("-dev", "-bind", ":1"), { dev: ["true"], bind: [":1"] });
  assertMatch(refusal("-dev", "false"), /^Unexpected argument "false"/);
});

Deno.test("help and version are known to every command", () => {
  const none = parseFlags([], OPTIONS);
  assertEquals([none.help, none.version], [false, false]);
  for (const dashes of ["-", "--"]) {
    assertEquals(parseFlags([`${dashes}help`], OPTIONS).help, true);
    assertEquals(parseFlags([`${dashes}version`], OPTIONS).version, true);
  }
  assertEquals(parseFlags(["-help=false"], OPTIONS).help, false);
});

Deno.test("an unknown flag is refused by name, and without its value, which may be a secret", () => {
  for (const args of [["-bnid", "x"], ["--bnid=x"], ["-bnid"], ["-Bind=:1"]]) {
    assertMatch(
      refusal(...args),
      /^Unknown flag -(bnid|Bind)\. Did you mean -bind\? See -help\.$/,
    );
  }
  assertMatch(refusal("-__proto__=1"), /^Unknown flag -__proto__\. See -help\.$/);
});

Deno.test("a flag without its value is refused by name", () => {
  assertMatch(refusal("-bind"), /^Missing value after -bind\. See -help\.$/);
  assertMatch(refusal("-dev", "--max-payload"), /^Missing value after -max-payload/);
});

Deno.test("an argument that is no flag is refused in one line, even if it has several lines", () => {
  for (const word of ["serve", "", "-", "--", "---bind", "-=x", "a\nb", "-a\nb", "-\n"]) {
    assertMatch(refusal(word), /^Unexpected argument "[^\r\n]*"\. See -help\.$/, word);
  }
});

Deno.test("a command after the flags is told to come first", () => {
  assertEquals(
    refusal("-dev", "health"),
    'Unexpected argument "health". The command comes first. See -help.',
  );
});
