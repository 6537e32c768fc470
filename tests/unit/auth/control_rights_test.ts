import { ControlRights, type Right } from "../../../src/auth/control_rights.ts";
import { assert, assertEquals, assertMatch } from "../../support/assert.ts";

const RIGHTS: readonly Right[] = ["emit", "token", "read", "steer"];

function parse(...words: readonly string[]): ControlRights {
  const rights = ControlRights.parse(words);
  assert(typeof rights !== "string", String(rights));
  return rights;
}

function refusal(...words: readonly string[]): string {
  const rights = ControlRights.parse(words);
  assert(typeof rights === "string", `${words} was accepted`);
  return rights;
}

function held(rights: ControlRights): readonly Right[] {
  return RIGHTS.filter((right) => rights.has(right));
}

Deno.test("a key has the rights that it was given, and no other", () => {
  assertEquals(held(parse("read")), ["read"]);
  assertEquals(held(parse("steer")), ["steer"]);
  assertEquals(held(parse("emit:chat")), ["emit"]);
  assertEquals(held(parse("token:*", "read", "read")), ["token", "read"]);
  assertEquals(held(parse("all")), RIGHTS);
  assertEquals(held(ControlRights.all), RIGHTS);
  assertEquals(held(ControlRights.none), []);
});

Deno.test("emit and token are held for channels by name, by the beginning of a name, or for all", () => {
  const cases: readonly [allowed: string, channel: string, covered: boolean][] = [
    ["chat", "chat", true],
    ["chat", "chat2", false],
    ["chat", "cha", false],
    ["chat", "Chat", false],
    ["orders.*", "orders.42", true],
    ["orders.*", "orders.", true],
    ["orders.*", "orders", false],
    ["orders.*", "ordersx42", false],
    ["orders.*", "my.orders.42", false],
    ["*", "anything at all", true],
    ["a:b", "a:b", true],
    ["é*", "étoile", true],
    // A token may name a pattern: it must be for no channel beyond those that are allowed.
    ["orders.*", "orders.*", true],
    ["orders.*", "orders.eu.*", true],
    ["orders.*", "orders*", false],
    ["orders.*", "*", false],
    ["orders.42", "orders.42*", false],
    ["*", "*", true],
  ];
  for (const right of ["emit", "token"] as const) {
    for (const [allowed, channel, covered] of cases) {
      const rights = parse(`${right}:${allowed}`);
      assertEquals(rights.covers(right, channel), covered, `${right}:${allowed} ${channel}`);
    }
  }
});

Deno.test("each right covers its own channels, all of them where it was given several times", () => {
  const rights = parse("emit:a", "emit:b.*", "token:c");
  for (const channel of ["a", "b.1"]) assert(rights.covers("emit", channel));
  assert(rights.covers("token", "c"));
  assert(!rights.covers("emit", "c"));
  assert(!rights.covers("token", "a"));
  assert(!parse("read", "steer").covers("emit", "a"));
  for (const right of ["emit", "token"] as const) {
    assert(parse("all").covers(right, "a"));
    assert(!ControlRights.none.covers(right, "a"));
  }
});

Deno.test("what is no right is refused by its place, without a word of it", () => {
  assertMatch(refusal(), /^no right is given; give one or more of emit:CHANNELS, .* or all$/);
  const unknown = ["", "reads", "READ", "read:x", "all:*", "emitt:x", "Hunter2", ":x", "emit :x"];
  for (const word of unknown) {
    const told = refusal("read", word);
    assertMatch(told, /^right 2 is not known; it must be emit:CHANNELS, /);
    assert(!/hunter2|emitt/i.test(told), told);
  }
  const withoutChannels = ["emit", "emit:", "token:*.x", "emit:a*b", "emit:**", "emit:\0"];
  for (const word of [...withoutChannels, `emit:${"x".repeat(257)}`]) {
    assertMatch(
      refusal(word),
      /^right 1 is without channels; after (emit|token): write a channel, /,
    );
  }
});
