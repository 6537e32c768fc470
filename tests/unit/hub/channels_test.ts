import { Channels } from "../../../src/hub/channels.ts";
import { assertEquals } from "../../support/assert.ts";
import { eventAt } from "../../support/store/naive_log.ts";
import { liveClient } from "../../support/hub/subscribers.ts";
import { withSeeds } from "../../support/seeded_random.ts";

let seq = 0;

/** How many subscribers an event for everyone on the channel is for; `undefined` without a channel. */
function sizeOf(channels: Channels, name: string): number | undefined {
  return channels.get(name)?.take(eventAt(++seq, name));
}

Deno.test("a channel is there while it has subscribers, and no longer", () => {
  const channels = new Channels();
  const [one, other] = [["red"], ["blue", "red"]].map((names) =>
    liveClient("ann", names).subscriber
  );
  if (one === undefined || other === undefined) throw new Error("no subscribers");
  channels.add(one);
  channels.add(other);
  assertEquals(["red", "blue", "green"].map((name) => sizeOf(channels, name)), [2, 1, undefined]);
  channels.remove(other);
  assertEquals(["red", "blue"].map((name) => sizeOf(channels, name)), [1, undefined]);
  channels.remove(other);
  channels.remove(one);
  assertEquals(channels.get("red"), undefined);
});

Deno.test("a subscriber that is taken away twice takes no other of its token with it", () => {
  const channels = new Channels();
  const [one, other] = [1, 2].map(() => liveClient("ann", ["red"]).subscriber);
  if (one === undefined || other === undefined) throw new Error("no subscribers");
  channels.add(one);
  channels.add(other);
  channels.remove(one);
  channels.remove(one);
  assertEquals(sizeOf(channels, "red"), 1);
  channels.remove(other);
  assertEquals(channels.get("red"), undefined);
});

Deno.test("whoever comes and goes, each channel counts its subscribers", async () => {
  const names = Array.from({ length: 40 }, (_, n) => `channel ${n}`);
  // The same names in another order are the same channels.
  const lists = [["channel 0"], ["channel 1", "channel 0"], ["channel 0", "channel 1"], names];
  await withSeeds(5, (random) => {
    const channels = new Channels();
    const present = new Set<ReturnType<typeof liveClient>["subscriber"]>();
    for (let step = 0; step < 150; step++) {
      const [gone] = present;
      if (gone !== undefined && random.chance(0.45)) {
        const leaving = random.pick([...present]);
        channels.remove(leaving);
        present.delete(leaving);
      } else {
        const { subscriber } = liveClient(random.pick(["ann", "bob"]), random.pick(lists));
        channels.add(subscriber);
        present.add(subscriber);
      }
      for (const name of ["channel 0", "channel 1", "channel 39"]) {
        const size = [...present].filter(({ claims }) => claims.channels.includes(name)).length;
        assertEquals(sizeOf(channels, name) ?? 0, size, name);
      }
    }
    return Promise.resolve();
  });
});
