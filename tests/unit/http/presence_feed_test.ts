import { PresenceFeed } from "../../../src/http/handlers/presence_feed.ts";
import type { PresentUser } from "../../../src/hub/presence.ts";
import { assertEquals } from "../../support/assert.ts";
import { withSeed } from "../../support/seeded_random.ts";

const GRACE_MS = 5000;

function there(...users: readonly string[]): readonly PresentUser[] {
  return users.map((user) => [user, 1, 0]);
}

/** A feed, and what it tells of each look. */
function feedWith(graceMs: number) {
  const feed = new PresenceFeed();
  const look = (now: number, ...users: readonly string[]) => {
    feed.update(there(...users), now);
    const { joined, left } = feed.changes(graceMs);
    return [...joined.map(([user]) => `+${user}`), ...left.map((user) => `-${user}`)];
  };
  return { feed, look };
}

Deno.test("who comes joins at once, and who stays does not join again", () => {
  const { look } = feedWith(GRACE_MS);
  assertEquals(look(0, "alex"), ["+alex"]);
  assertEquals(look(1000, "alex", "sam"), ["+sam"]);
  assertEquals(look(2000, "alex", "sam"), []);
});

Deno.test("who is gone for the grace time leaves, and joins when coming back later", () => {
  const { feed, look } = feedWith(GRACE_MS);
  look(0, "alex");
  assertEquals([look(1000), look(5999)], [[], []]);
  assertEquals(feed.users(GRACE_MS), there("alex"), "shown up to then");
  assertEquals(look(6000), ["-alex"]);
  assertEquals(feed.users(GRACE_MS), []);
  assertEquals(look(7000), []);
  assertEquals(look(8000, "alex"), ["+alex"]);
});

Deno.test("who comes back within the grace time neither leaves nor joins, however often", () => {
  const { look } = feedWith(GRACE_MS);
  look(0, "alex");
  for (let now = 1000; now < 60_000; now += 5000) {
    assertEquals([look(now), look(now + 4000, "alex")], [[], []]);
  }
});

Deno.test("without a grace time, a look that does not find a user is a leave", () => {
  const { look } = feedWith(0);
  look(0, "alex");
  assertEquals([look(1), look(2, "alex")], [["-alex"], ["+alex"]]);
});

Deno.test("a user is shown as the last look found it", () => {
  const feed = new PresenceFeed();
  feed.update([["alex", 1, 100]], 0);
  feed.update([["alex", 2, 900]], 1000);
  assertEquals(feed.users(GRACE_MS), [["alex", 2, 900]]);
});

Deno.test("one feed serves every grace time, up to the longest", () => {
  const feed = new PresenceFeed();
  const leftAt = new Map<number, number>();
  for (let now = 0; now <= 62_000; now += 1000) {
    feed.update(now === 0 ? there("alex") : [], now);
    for (const graceMs of [0, 1000, 60_000]) {
      if (feed.changes(graceMs).left.length > 0) leftAt.set(graceMs, now);
    }
  }
  assertEquals([...leftAt], [[0, 1000], [1000, 2000], [60_000, 61_000]]);
  feed.update(there("alex"), 63_000);
  assertEquals(feed.changes(60_000).joined, there("alex"));
});

Deno.test("joins and leaves are those of a model, whoever comes and goes", () =>
  withSeed((random) => {
    const graceMs = random.between(0, 3000);
    const { look } = feedWith(graceMs);
    const names = ["a", "b", "c", "d"];
    const looks: { readonly now: number; readonly users: readonly string[] }[] = [];
    /** A user is shown who was there in some look of the last while: as long as no absence is full. */
    const isShown = (user: string) => {
      const last = looks.findLastIndex(({ users }) => users.includes(user));
      if (last < 0) return false;
      const absentSince = looks[last + 1]?.now;
      const now = looks.at(-1)?.now ?? 0;
      return absentSince === undefined || now - absentSince < graceMs;
    };
    let shown: readonly string[] = [];
    for (let now = 0, n = 0; n < 500; n++, now += random.between(1, 1500)) {
      const users = names.filter(() => random.chance(0.4));
      const before = shown;
      looks.push({ now, users });
      shown = names.filter(isShown);
      const expected = [
        ...shown.filter((user) => !before.includes(user)).map((user) => `+${user}`),
        ...before.filter((user) => !shown.includes(user)).map((user) => `-${user}`),
      ];
      assertEquals(look(now, ...users).toSorted(), expected.toSorted(), `look ${n} at ${now}`);
    }
    return Promise.resolve();
  }));
