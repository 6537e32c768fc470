import { createLogger } from "../../../../src/observability/logger.ts";
import { Deliveries } from "../../../../src/broker/redis/redis_deliveries.ts";
import { RedisFollower } from "../../../../src/broker/redis/redis_follower.ts";
import type { FeedEntry, RedisLog } from "../../../../src/broker/redis/redis_log.ts";
import type { RedisSession } from "../../../../src/broker/redis/redis_session.ts";
import { createEvent } from "../../../../src/sse/event.ts";
import { assertEquals } from "../../../support/assert.ts";
import { settle } from "../../../support/hub/fake_time.ts";
import { ROOMY } from "../../../support/store/stores.ts";

const EPOCH = "abcdef";
const SESSION = {} as RedisSession;

function entry(previous: number, seq: number, call = "call"): FeedEntry {
  const events = () => [createEvent({ channel: "red", user: "*", block: "data: a" }, seq, EPOCH)];
  return { seq, previous, epoch: EPOCH, call, events };
}

/** A follower of a feed that brings what a test says, and the seqs that it has handed out. */
async function startRig() {
  const bring: ((entries: readonly FeedEntry[]) => void)[] = [];
  const log = {
    open: () => Promise.resolve({ seq: 0, epoch: EPOCH }),
    feedAfter: () => Promise.resolve([]),
    nextOfFeed: () => new Promise<readonly FeedEntry[]>((resolve) => bring.push(resolve)),
  } as unknown as RedisLog;
  const follower = await RedisFollower.start(SESSION, {
    log,
    retention: ROOMY,
    windowBytes: 2 ** 20,
    now: () => 0,
    deliveries: new Deliveries(),
    logger: createLogger("error", () => 0, () => {}),
    where: "Redis",
  });
  const seen: number[] = [];
  follower.follow({
    removed: () => {},
    deliver: (events) => {
      seen.push(...events.map(({ seq }) => seq));
      return events.map(() => 0);
    },
    restart: () => {},
  });
  follower.run(SESSION);
  await settle();
  return { follower, bring, seen };
}

Deno.test("while own calls tell of everything, the feed is left unread", async () => {
  const { follower, bring, seen } = await startRig();
  follower.ownCallsBegin();
  follower.takeOwn(entry(0, 1));
  bring[0]?.([entry(0, 1)]);
  await settle();
  follower.takeOwn(entry(1, 2));
  await settle();
  assertEquals(bring.length, 1, "not read again");
  follower.ownCallsEnd();
  await settle();
  assertEquals(bring.length, 2, "read when the calls have ended");
  assertEquals(seen, [1, 2]);
});

Deno.test("an own call that another server's came before has the feed read at once", async () => {
  const { follower, bring, seen } = await startRig();
  follower.ownCallsBegin();
  bring[0]?.([entry(0, 1)]);
  await settle();
  assertEquals(bring.length, 1);
  follower.takeOwn(entry(2, 3));
  await settle();
  bring[1]?.([entry(1, 2, "another server's"), entry(2, 3)]);
  await settle();
  assertEquals(seen, [1, 2, 3], "each once, in order");
  follower.takeOwn(entry(3, 4));
  bring[2]?.([entry(3, 4)]);
  await settle();
  assertEquals(bring.length, 3, "the calls are enough again");
  follower.ownCallsEnd();
});

Deno.test("an own call that the feed has brought already does not have it read again", async () => {
  const { follower, bring, seen } = await startRig();
  follower.ownCallsBegin();
  bring[0]?.([entry(0, 1)]);
  await settle();
  follower.takeOwn(entry(0, 1));
  await settle();
  assertEquals([bring.length, seen], [1, [1]]);
  follower.ownCallsEnd();
});
