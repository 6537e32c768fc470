import { RedisLog } from "../../../../src/broker/redis/redis_log.ts";
import type { RedisSession, StreamEntry } from "../../../../src/broker/redis/redis_session.ts";
import { assertEquals } from "../../../support/assert.ts";
import { ROOMY } from "../../../support/store/stores.ts";

const EPOCH = "abcdef";

/** What a log makes of entries of the feed. */
function decoded(entries: readonly StreamEntry[]) {
  const session = { entriesAfter: () => Promise.resolve(entries) } as unknown as RedisSession;
  return new RedisLog("sse:", ROOMY).feedAfter(session, 0);
}

Deno.test("an entry of the feed gives its place, the one before, its call and its events", async () => {
  const [entry] = await decoded([["12-0", [
    ...["previous", "7", "epoch", EPOCH, "call", "origin:3"],
    ...["11", JSON.stringify(["red", "*", "data: a"])],
    ...["12", JSON.stringify(["blue", "ann", "id: own\ndata: b"])],
  ]]]);
  assertEquals([entry?.seq, entry?.previous, entry?.epoch, entry?.call], [
    ...[12, 7, EPOCH, "origin:3"],
  ]);
  const events = entry?.events().map(({ seq, channel, user, publisherId }) => ({
    ...{ seq, channel, user, publisherId },
  }));
  assertEquals(events, [
    { seq: 11, channel: "red", user: "*", publisherId: undefined },
    { seq: 12, channel: "blue", user: "ann", publisherId: "own" },
  ]);
});

Deno.test("an entry that says that events were lost has no call and no events", async () => {
  const [entry] = await decoded([["20-0", ["previous", "7", "epoch", EPOCH, "lost", "1"]]]);
  assertEquals([entry?.seq, entry?.previous, entry?.call], [20, 7, undefined]);
  assertEquals(entry?.events(), []);
});
