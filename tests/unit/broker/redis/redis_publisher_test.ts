import { setImmediate } from "node:timers";
import { systemClock } from "../../../../src/lib/clock.ts";
import { createLogger } from "../../../../src/observability/logger.ts";
import { Deliveries } from "../../../../src/broker/redis/redis_deliveries.ts";
import type { PublishRequest } from "../../../../src/broker/redis/redis_log.ts";
import { RedisPublisher } from "../../../../src/broker/redis/redis_publisher.ts";
import type { RedisSession } from "../../../../src/broker/redis/redis_session.ts";
import { assertEquals } from "../../../support/assert.ts";
import { publication } from "../../../support/hub/rig.ts";

function nextTurn(): Promise<void> {
  return new Promise((resolve) => setImmediate(() => resolve()));
}

/** A publisher on a Redis that takes a turn to answer, and the sizes of its calls. */
class Rig implements Disposable {
  readonly sizes: number[] = [];
  readonly publisher: RedisPublisher;
  /** What is to be done when the time is over; it stands still. */
  readonly deadlines = new Set<() => void>();
  readonly #real = { setTimeout, clearTimeout };
  #seq = 0;

  constructor() {
    const ids = new Map<number, () => void>();
    globalThis.setTimeout = ((run: () => void) => {
      this.deadlines.add(run);
      ids.set(ids.size + 1, run);
      return ids.size;
    }) as unknown as typeof setTimeout;
    globalThis.clearTimeout = ((id: number) => {
      this.deadlines.delete(ids.get(id) ?? (() => {}));
    }) as unknown as typeof clearTimeout;
    this.publisher = this.#makePublisher();
  }

  [Symbol.dispose](): void {
    Object.assign(globalThis, this.#real);
  }

  emit(): Promise<unknown> {
    return this.publisher.publish([publication("red", "*", ["data: a"])]);
  }

  /** Emits so often, one after the other, and needs some turns after each answer. */
  async emitInTurn(times: number, turns: number): Promise<void> {
    for (let n = 0; n < times; n++) {
      await this.emit();
      for (let turn = 0; turn < turns; turn++) await nextTurn();
    }
  }

  #makePublisher(): RedisPublisher {
    const publish = async (
      _session: unknown,
      _known: unknown,
      call: string,
      requests: readonly PublishRequest[],
    ) => {
      await nextTurn();
      this.sizes.push(requests.length);
      const previous = this.#seq;
      const results = requests.map(() => (
        { kind: "new", seq: ++this.#seq, subscribers: 0 } as const
      ));
      const place = { seq: this.#seq, previous, epoch: "abcdef", call };
      return { epoch: "abcdef", results, entry: { ...place, events: () => [] } };
    };
    const deliveries = new Deliveries();
    return new RedisPublisher({
      log: { publish, saveRecipientCount: () => Promise.resolve(), maxChannels: 10 },
      connection: { session: {} as RedisSession, unavailableReason: undefined },
      follower: {
        head: { seq: 0, epoch: "abcdef" },
        takeOwn: ({ call = "" }) => deliveries.record(call, [], []),
        ownCallsBegin: () => {},
        ownCallsEnd: () => {},
      },
      deliveries,
      where: "Redis",
      clock: systemClock,
      logger: createLogger("error", () => 0, () => {}),
    });
  }
}

Deno.test("publishers that are answered together go together again, though they come back one by one", async () => {
  using rig = new Rig();
  const publishers = Array.from({ length: 8 }, (_, n) => rig.emitInTurn(5, n));
  await Promise.all(publishers);
  assertEquals(rig.sizes, [8, 8, 8, 8, 8]);
});

Deno.test("one that comes while the others' call is under way goes with them from then on", async () => {
  using rig = new Rig();
  const two = [rig.emitInTurn(4, 1), rig.emitInTurn(4, 2)];
  await Promise.resolve();
  await Promise.all([...two, rig.emitInTurn(3, 3)]);
  assertEquals(rig.sizes, [2, 3, 3, 3]);
});

Deno.test("those that come back do not wait for one that does not when the time is over", async () => {
  using rig = new Rig();
  await Promise.all([rig.emit(), rig.emit()]);
  const waiting = rig.emit();
  for (let turn = 0; turn < 5; turn++) await nextTurn();
  assertEquals(rig.sizes, [2], "it waits for the other");
  for (const run of rig.deadlines) run();
  await waiting;
  assertEquals(rig.sizes, [2, 1]);
});

Deno.test("a publication that comes after a pause does not wait", async () => {
  using rig = new Rig();
  await Promise.all([rig.emit(), rig.emit()]);
  for (const run of rig.deadlines) run();
  await nextTurn();
  await rig.emit();
  assertEquals(rig.sizes, [2, 1]);
});
