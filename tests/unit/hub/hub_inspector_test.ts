import { joinCounts } from "../../../src/hub/channel_counts.ts";
import {
  joinRanked,
  type RankedStreams,
  STREAM_SORTS,
  type StreamOrder,
} from "../../../src/hub/stream_list.ts";
import { formatId } from "../../../src/sse/log_position.ts";
import { assert, assertEquals } from "../../support/assert.ts";
import type { HandReader } from "../../support/hub/hand_reader.ts";
import { Rig } from "../../support/hub/rig.ts";
import { type SeededRandom, withSeeds } from "../../support/seeded_random.ts";

const MANY = Array.from({ length: 40 }, (_, n) => `of many ${n}`);
const LISTS = [["chat"], ["chat", "news"], ["news", "of many 7"], MANY, [...MANY, "chat"]];
const USERS = ["ann", "bob", "carol"];

interface OpenStream {
  readonly user: string;
  readonly channels: readonly string[];
  readonly reader: HandReader;
}

Deno.test("streams are counted by channel and by user as one by one", async () => {
  await withSeeds(20, async (random) => {
    using rig = await Rig.start();
    const open: OpenStream[] = [];
    for (let step = 0; step < 60; step++) {
      if (random.chance(0.6)) {
        const [user, channels] = [random.pick(USERS), random.pick(LISTS)];
        open.push({ user, channels, reader: await rig.connect(user, channels) });
      } else if (open.length > 0) {
        await open.splice(random.between(0, open.length - 1), 1)[0]?.reader.leave();
      }
    }
    await checkCounts(rig, open, random);
  });
});

async function checkCounts(
  { hub: { inspector } }: Rig,
  open: readonly OpenStream[],
  random: SeededRandom,
): Promise<void> {
  const search = random.pick(["", "an", "chat", "nowhere"]);
  const all = naiveCounts(open);
  const fitting = new Map([...all].filter(([name]) => name.includes(search)));
  assertEquals(sorted(joinCounts([await inspector.countStreams(search)])), sorted(fitting));
  for (const user of USERS) {
    const own = naiveCounts(open.filter((stream) => stream.user === user));
    assertEquals(sorted(joinCounts([await inspector.countStreamsOf(user)])), sorted(own));
  }
  const filter = { user: random.pick(USERS), channel: random.pick(["chat", "of many 7"]) };
  const { total } = await inspector.rankStreams(filter, { by: "since", descending: true }, 5);
  const matching = open.filter(({ user, channels }) =>
    user === filter.user && channels.includes(filter.channel)
  );
  assertEquals(total, matching.length);
}

function naiveCounts(open: readonly OpenStream[]): Map<string, number> {
  const counts = new Map<string, number>();
  for (const { channels } of open) {
    for (const name of channels) counts.set(name, (counts.get(name) ?? 0) + 1);
  }
  return counts;
}

function sorted(counts: ReadonlyMap<string, number>): readonly (readonly [string, number])[] {
  return [...counts].toSorted(([one], [other]) => one < other ? -1 : 1);
}

Deno.test("the pages of a list of streams have each stream once, in order, over several hubs too", async () => {
  using rig = await Rig.start();
  using other = await Rig.start();
  for (let n = 0; n < 30; n++) {
    await rig.connect(USERS[n % 3] ?? "", ["chat"]);
    await other.connect(USERS[n % 2] ?? "", ["chat", "news"]);
    if (n % 4 === 0) await rig.time.advance(10);
  }
  for (const by of STREAM_SORTS) {
    for (const descending of [true, false]) {
      const order = { by, descending };
      const all = await ranked([rig, other], order, 1000);
      assertEquals(all.total, 60);
      const ids = all.first.map(([, id]) => id);
      assertEquals(new Set(ids).size, 60);
      for (const most of [1, 7, 59]) {
        assertEquals((await ranked([rig, other], order, most)).first, all.first.slice(0, most));
      }
      const keys = all.first.map(([key]) => key);
      const byKey = keys.toSorted((one, another) => one < another ? -1 : 1);
      assertEquals(keys, descending ? byKey.toReversed() : byKey);
    }
  }
});

async function ranked(
  rigs: readonly Rig[],
  order: StreamOrder,
  most: number,
): Promise<RankedStreams> {
  const found = rigs.map(({ hub }) => hub.inspector.rankStreams({}, order, most));
  return joinRanked(await Promise.all(found), order, most);
}

Deno.test("a stream's details say where it is, and how far behind", async () => {
  using rig = await Rig.start({ maxBufferBytes: 100_000 });
  const many = Array.from({ length: 30 }, (_, n) => `room ${n}`);
  const live = await rig.connect("ann", many, undefined, 2_000_000_000);
  await live.takeAll();
  const { id } = await rig.emit("room 3", "*", "first");
  await live.takeAll();
  const behind = await rig.connect("bob", ["chat"]);
  await rig.emit("chat", "*", "x".repeat(70_000));
  await rig.time.advance(2500);
  await rig.emit("chat", "*", "y".repeat(40_000));

  const details = async (user: string) => {
    const { first } = await rig.hub.inspector.rankStreams(
      { user },
      { by: "since", descending: false },
      10,
    );
    const [found] = rig.hub.inspector.streamDetails(first.map(([, id]) => id));
    assert(found !== undefined, user);
    return found;
  };
  const ann = await details("ann");
  assertEquals(ann.channels, many.slice(0, 20));
  assertEquals([ann.channelCount, ann.isLive, ann.behindSeconds, ann.unsentBytes], [
    30,
    true,
    0,
    0,
  ]);
  assertEquals([ann.position, ann.tokenExpires], [id, 2_000_000_000]);
  assertEquals(ann.origin, undefined);
  const bob = await details("bob");
  assertEquals([bob.isLive, bob.tokenExpires], [false, undefined]);
  assertEquals(bob.behindSeconds, 2.5);
  assert(bob.unsentBytes > 70_000 && bob.unsentBytes < 71_000, `${bob.unsentBytes}`);
  assertEquals(bob.since - ann.since, 0);
  await behind.leave();
  assertEquals(rig.hub.inspector.streamDetails([bob.id]), []);
});

Deno.test("everybody says that a stream began at one time, after a step of the clock too", async () => {
  using rig = await Rig.start();
  rig.time.setWall(rig.time.wall() + 30_000);
  const began = rig.time.wall();
  await rig.connect("ann", ["chat"]);
  await rig.time.advance(1000);
  rig.time.setWall(rig.time.wall() - 7000);
  const { first } = await rig.hub.inspector.rankStreams(
    { user: "ann" },
    { by: "since", descending: false },
    1,
  );
  const [details] = rig.hub.inspector.streamDetails(first.map(([, id]) => id));
  const [record] = rig.journal.recordOf("ann", "chat", rig.hub.streams()).streams;
  assertEquals([first[0]?.[0], details?.since, record?.openedMs], [began, began, began]);
  assertEquals(rig.hub.presence("chat").users, [["ann", 1, began]]);
});

Deno.test("where a stream is that has just come with an id is not known until the log is asked", async () => {
  using rig = await Rig.start();
  const { id } = rig.hub.subscribe(
    { user: "ann", channels: ["chat"], expiresAt: undefined },
    { lastEventId: "unheard of", isEventSource: true },
  );
  const look = () => {
    const [found] = rig.hub.inspector.streamDetails([id]);
    return [found?.isLive, found?.behindSeconds, found?.position];
  };
  assertEquals(look(), [false, undefined, undefined]);
  await rig.time.advance(1);
  const { seq, epoch } = rig.broker.head;
  assertEquals(look(), [true, 0, formatId(seq, epoch)]);
});

Deno.test("thousands of streams are looked at in turns, so that others get theirs", async () => {
  using rig = await Rig.start();
  for (let n = 0; n < 5000; n++) {
    rig.hub.subscribe(
      { user: `user ${n}`, channels: [`room ${n}`], expiresAt: undefined },
      { lastEventId: undefined, isEventSource: true },
    );
  }
  const order = { by: "user", descending: false } as const;
  let isDone = false;
  const asked = Promise.all([
    rig.hub.inspector.rankStreams({}, order, 3),
    rig.hub.inspector.countStreams(""),
  ]).finally(() => isDone = true);
  for (let n = 0; n < 100; n++) await Promise.resolve();
  assert(!isDone, "it was done without a turn of the event loop");
  await rig.time.advance(10);
  const [{ total, first }, counts] = await asked;
  assertEquals([total, counts.streams.length], [5000, 5000]);
  assertEquals(first.map(([user]) => user), ["user 0", "user 1", "user 10"]);
});
