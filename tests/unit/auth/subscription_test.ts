import {
  channelsKeyOf,
  matches,
  sharedChannels,
  type Subscription,
} from "../../../src/auth/subscription.ts";
import { assert, assertEquals, assertNotEquals } from "../../support/assert.ts";

function channelNames(count: number): string[] {
  return Array.from({ length: count }, (_, n) => `channel ${n}`);
}

Deno.test("a subscription matches events for its user or for everyone, in its channels alone", () => {
  for (const count of [1, 8, 9, 5000]) {
    const alex: Subscription = { user: "alex", channels: channelNames(count) };
    const last = `channel ${count - 1}`;
    for (const channel of ["channel 0", last]) {
      assertEquals(matches(alex, channel, "alex"), true);
      assertEquals(matches(alex, channel, "*"), true);
      assertEquals(matches(alex, channel, "kim"), false);
    }
    for (const channel of ["", "channel", `channel ${count}`, last.toUpperCase()]) {
      assertEquals(matches(alex, channel, "alex"), false, channel);
    }
  }
});

Deno.test("a user named * gets the events for everyone, and none for another user", () => {
  const star: Subscription = { user: "*", channels: ["chat"] };
  assertEquals([matches(star, "chat", "*"), matches(star, "chat", "alex")], [true, false]);
});

Deno.test("subscriptions to the same channels have one key, for any user and in any order", () => {
  const keyOf = (...channels: string[]) => channelsKeyOf({ user: "alex", channels });
  assertEquals(keyOf("b", "a"), keyOf("a", "b"));
  assertEquals(channelsKeyOf({ user: "kim", channels: ["a", "b"] }), keyOf("a", "b"));
  const others = [keyOf("a"), keyOf("a,b"), keyOf('a","b'), keyOf("a", "b", "c"), keyOf("ab")];
  for (const other of others) assertNotEquals(other, keyOf("a", "b"));
});

Deno.test("a long list is kept once for all tokens that name the same channels", () => {
  const names = channelNames(50);
  const first = sharedChannels([...names]);
  assert(sharedChannels([...names]) === first, "the same list, named the same");
  assert(sharedChannels(names.toReversed()) === first, "the same channels in another order");
  assertEquals(first, names);
  assertNotEquals(sharedChannels(channelNames(51)), first);
  assertEquals(sharedChannels(["b", "a"]), ["b", "a"]);
});

Deno.test("a list that is kept cannot be changed", () => {
  for (const count of [1, 50]) {
    assert(Object.isFrozen(sharedChannels(channelNames(count))), `${count} channels`);
  }
});
