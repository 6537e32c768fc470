/**
 * A store without room: emits fail in a clear sentence, and everything else goes on.
 *
 * @module
 */
import { StoreUnavailable } from "../../../src/lib/errors.ts";
import { dataOf, publication, Rig } from "../../support/hub/rig.ts";
import { assert, assertEquals, assertMatch } from "../../support/assert.ts";
import { run } from "../../support/child_process.ts";
import { type Server, startServer } from "../../support/server.ts";
import { openStream } from "../../support/sse_client.ts";
import { canMount, SmallDisk } from "../../support/store/small_disk.ts";
import { type StoreKind, testEachStore } from "../../support/store/stores.ts";

const OUT_OF_MEMORY = /^Cannot publish: Redis at .* refused it: OOM .*\. Nothing was delivered\.$/;

/** The answer to a publisher if there is no room. */
const REFUSALS: Readonly<Record<StoreKind, RegExp>> = {
  memory: /./,
  sqlite: /^Cannot append to the store: .* full\. Nothing was delivered\.$/,
  redis: OUT_OF_MEMORY,
  "redis without a window": OUT_OF_MEMORY,
};

testEachStore(
  "an event that the store has no room for is not delivered, and takes no id",
  async (store) => {
    using rig = await Rig.start({ store });
    const reader = await rig.connect("ann", ["red"]);
    const large = publication("red", "*", ["data: small", `data: ${"x".repeat(500_000)}`], "k");
    const { id } = await rig.emit("red", "*", "before");
    for (let n = 0; n < 3; n++) {
      const [outcome] = await store.whileFull(() => rig.publish([large]));
      assert(outcome instanceof StoreUnavailable, String(outcome));
      assertMatch(outcome.message, REFUSALS[store.kind]);
    }
    assertEquals(rig.broker.head.seq, Number(id.slice(0, 16)));
    const [outcome] = await rig.publish([large]);
    assert(outcome && !(outcome instanceof Error), "with room again the same emit works");
    const resumed = await rig.connect("ann", ["red"], id);
    for (const one of [reader, resumed]) await one.takeAll();
    assertEquals(dataOf(reader).map((data) => data.length), [6, 5, 500_000]);
    assertEquals(dataOf(resumed).map((data) => data.length), [5, 500_000]);
  },
);

testEachStore("retention counts right after emits that failed", async (store) => {
  const bytes = 10 * (100 + 200 + 50);
  using rig = await Rig.start({
    store,
    retention: { bytesPerChannel: bytes, totalBytes: 2 * bytes },
  });
  for (let n = 0; n < 100; n++) {
    const channel = ["red", "blue", "green"][n % 3] ?? "red";
    await store.whileFull(() =>
      rig.publish([
        publication(channel, "*", ["data: small", `data: ${"y".repeat(500_000)}`], `${n}`),
      ])
    );
    await rig.emit(channel, "*", "x".repeat(100));
  }
  const reader = await rig.connect("ann", ["red", "blue", "green"], "unheard of");
  await reader.takeAll();
  const retained = reader.events.filter(({ event }) => event === "message").length;
  assertEquals(retained, 20);
});

/** Emits events of some size until one fails, or there are enough; answers their data and the failure. */
async function emitUntilFull(
  server: Server,
  most: number,
): Promise<{ kept: string[]; failure: string }> {
  const kept: string[] = [];
  for (let n = 0; n < most; n++) {
    const data = `${n} ${"x".repeat(5000)}`;
    const body = new URLSearchParams({ userId: "*", channel: "red", data });
    const response = await server.control("/emit/", { method: "POST", body });
    const text = await response.text();
    if (response.status !== 200) return { kept, failure: `${response.status} ${text}` };
    kept.push(data);
  }
  return { kept, failure: "none" };
}

const withMounts = { ignore: !canMount() };

Deno.test(
  "a server whose disk is full stays up, replays, and takes emits when there is room",
  withMounts,
  async () => {
    await using disk = await SmallDisk.mount("2m");
    await using server = await startServer(["-store", `sqlite:${disk.join("store.db")}`]);
    const token = await server.token({ userId: "ann", channel: "red" });
    await using live = await openStream(server.eventsUrlWith(token));
    await live.waitFor("an id", () => live.lastEventId);
    const start = live.lastEventId;
    const { kept, failure } = await emitUntilFull(server, 2000);
    assertMatch(failure, /^503 Cannot append to the store: .* full\. Nothing was delivered\.\n$/);
    for (let n = 0; n < 3; n++) assertMatch((await emitUntilFull(server, 1)).failure, /^503 /);
    await using resumed = await openStream(server.eventsUrl, { token, lastEventId: start });
    await resumed.waitForCount(kept.length);
    await disk.resize("64m");
    const { id } = await server.emit({ userId: "*", channel: "red", data: "after" });
    for (const stream of [live, resumed]) {
      await stream.waitFor("the last event", () => stream.lastEventId === id);
      assertEquals(stream.events.map(({ data }) => data), [...kept, "after"]);
    }
  },
);

Deno.test(
  "a store at its limits goes on when others have filled the disk",
  withMounts,
  async () => {
    await using disk = await SmallDisk.mount("8m");
    const flags = ["-store", `sqlite:${disk.join("store.db")}`, "-history-events", "20"];
    await using server = await startServer(flags);
    assertEquals((await emitUntilFull(server, 500)).failure, "none");
    await run("dd", ["if=/dev/zero", `of=${disk.join("filler")}`, "bs=4096"]);
    assertEquals((await emitUntilFull(server, 500)).failure, "none");
  },
);
