import { RefusedEmits } from "../../../src/explain/refused_emits.ts";
import { BadField, RightMissing } from "../../../src/lib/errors.ts";
import { assertEquals } from "../../support/assert.ts";
import { FakeClock } from "../../support/fake_clock.ts";

Deno.test("refused emits are found by time and channel; those of no known channel count for each", () => {
  const clock = new FakeClock();
  const refused = new RefusedEmits({ entries: 10, ageMs: 60_000 }, clock);
  const start = clock.wall();
  for (const channel of ["chat", undefined, "news", "x".repeat(300)]) {
    refused.note(new BadField("payload", "Missing field payload."), "shop", {
      channel,
      user: "alex",
    });
    clock.advance(1000);
  }
  const found = refused.between(start, start + 10_000, "chat");
  assertEquals(found.map(({ channel, keyName, firstMs }) => [channel, keyName, firstMs - start]), [
    ["chat", "shop", 0],
    [undefined, "shop", 1000],
  ]);
  assertEquals(refused.between(start, start + 500, "chat").length, 1);
  assertEquals(refused.between(start + 3500, start + 9000, "chat").length, 0);
});

Deno.test("an error is noted once, where most was known of it", () => {
  const refused = new RefusedEmits({ entries: 10, ageMs: 60_000 }, new FakeClock());
  const error = new RightMissing("emit", "chat");
  refused.note(error, "shop", { channel: "chat" });
  refused.noteOnce(error, "shop");
  refused.noteOnce(new RightMissing("emit"), "shop");
  assertEquals(refused.between(0, Infinity, "chat").map(({ channel }) => channel), [
    "chat",
    undefined,
  ]);
});

Deno.test("they are bounded by number and age, and an answer by number", () => {
  const clock = new FakeClock();
  const refused = new RefusedEmits({ entries: 30, ageMs: 60_000 }, clock);
  for (let n = 0; n < 50; n++) refused.note(new BadField("n", `${n}`), undefined);
  assertEquals(refused.between(0, Infinity, "chat").map(({ reason }) => reason).slice(-2), [
    "48",
    "49",
  ]);
  assertEquals(refused.between(0, Infinity, "chat").length, 20);
  clock.advance(61_000);
  assertEquals(refused.between(0, Infinity, "chat"), []);
});

const ROOM = { entries: 30, ageMs: 86_400_000 };

Deno.test("emits of one key that are refused alike are one record, for ten minutes at most", () => {
  const clock = new FakeClock();
  const refused = new RefusedEmits(ROOM, clock);
  const note = (why: string, keyName = "shop", channel = "chat") =>
    refused.note(new BadField("payload", why), keyName, { channel });
  const start = clock.wall();
  for (let minute = 0; minute < 15; minute++) {
    note("Missing field payload.");
    note("Bad field payload.");
    clock.advance(60_000);
  }
  note("Missing field payload.", "office");
  note("Missing field payload.", "shop", "news");
  const found = refused.between(0, Infinity, "chat").map((
    { keyName, reason, count, firstMs, lastMs },
  ) => [keyName, reason, count, (firstMs - start) / 60_000, (lastMs - start) / 60_000]);
  assertEquals(found, [
    ["shop", "Missing field payload.", 11, 0, 10],
    ["shop", "Bad field payload.", 11, 0, 10],
    ["shop", "Missing field payload.", 4, 11, 14],
    ["shop", "Bad field payload.", 4, 11, 14],
    ["office", "Missing field payload.", 1, 15, 15],
  ]);
  // A time in the middle of a record is one of it.
  const middle = start + 5 * 60_000;
  assertEquals(refused.between(middle, middle + 1, "chat").length, 2);
});

Deno.test("a key that is refused again and again pushes out nothing that is known of others", () => {
  const refused = new RefusedEmits(ROOM, new FakeClock());
  refused.note(new RightMissing("emit", "chat"), "shop", { channel: "chat" });
  for (let n = 0; n < 1000; n++) refused.note(new RightMissing("emit", `c${n}`), "attacker");
  const keys = refused.between(0, Infinity, "chat").map(({ keyName }) => keyName);
  assertEquals([keys.length, keys.filter((name) => name === "shop").length], [20, 1]);
});
