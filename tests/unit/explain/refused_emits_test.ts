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
  assertEquals(found.map(({ channel, keyName, atMs }) => [channel, keyName, atMs - start]), [
    ["chat", "shop", 0],
    [undefined, "shop", 1000],
    [undefined, "shop", 3000],
  ]);
  assertEquals(refused.between(start + 500, start + 1500, "chat").length, 1);
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
