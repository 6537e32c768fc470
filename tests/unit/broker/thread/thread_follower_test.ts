import type { HubEventHandler } from "../../../../src/broker/broker.ts";
import { packEvents } from "../../../../src/broker/thread/event_batch.ts";
import type { FromFollower } from "../../../../src/broker/thread/messages.ts";
import { ThreadFollower } from "../../../../src/broker/thread/thread_follower.ts";
import { assertEquals, assertThrows } from "../../../support/assert.ts";
import { eventAt } from "../../../support/store/naive_log.ts";
import { ROOMY } from "../../../support/store/stores.ts";

const RETENTION = { ...ROOMY, ageMs: Infinity };

/** A follower from position 10 on, what it posts, and what its hub is told. */
function follower(handler: Partial<HubEventHandler> = {}) {
  const posted: FromFollower[] = [];
  const told: string[] = [];
  const head = { seq: 10, epoch: "abcdef" };
  const post = (message: FromFollower) => void posted.push(message);
  const follower = new ThreadFollower({ head, retention: RETENTION, now: () => 0, post });
  follower.follow({
    removed: () => {},
    deliver: (events) => {
      told.push(`events ${events.map(({ seq }) => seq).join(" ")}`);
      return events.map(() => 2);
    },
    restart: (positions, head) => {
      told.push(`restart ${positions} at ${head.seq}, from ${follower.head.seq}`);
    },
    ...handler,
  });
  const events = (previous: number, ...seqs: number[]) =>
    follower.take({
      kind: "events",
      previous,
      events: packEvents(seqs.map((seq) => eventAt(seq, "red"))),
    });
  return { follower, posted, told, events };
}

Deno.test("events that follow the head are delivered, and their recipients are told", () => {
  const { follower: { head }, posted, told, events } = follower();
  assertEquals(head.seq, 10);
  events(10, 11, 12);
  events(12, 15);
  assertEquals(told, ["events 11 12", "events 15"]);
  assertEquals(posted, [{ kind: "delivered", counts: [2, 2] }, { kind: "delivered", counts: [2] }]);
});

Deno.test("events after missing ones are not delivered, but asked for, and have their one answer", () => {
  const { posted, told, events } = follower();
  events(11, 12);
  assertEquals(told, []);
  assertEquals(posted, [{ kind: "events missing" }, { kind: "delivered", counts: [] }]);
});

Deno.test("at a restart the hub still sees the old head, so that no live subscriber skips what is missing", () => {
  const { follower: thread, told, events } = follower();
  events(10, 11);
  thread.take({ kind: "restart", positions: "kept", head: { seq: 20, epoch: "abcdef" } });
  assertEquals(told, ["events 11", "restart kept at 20, from 11"]);
  assertEquals(thread.head.seq, 20);
  events(20, 21);
  assertEquals(told.at(-1), "events 21");
});

Deno.test("a failure while events are taken leaves no answer out: later counts would belong to other emits", () => {
  const { posted, events } = follower({
    deliver: () => {
      throw new Error("out of memory");
    },
  });
  assertThrows(() => events(10, 11), /out of memory/);
  assertEquals(posted, [{ kind: "delivered", counts: [] }]);
});

Deno.test("what is removed leaves the window, live subscribers go on, and the head follows", () => {
  const { follower: thread, told, posted, events } = follower();
  events(10, 11, 12);
  const removed = (previous: number, head: number) =>
    thread.take({
      kind: "removed",
      removal: { of: { channel: "red" }, through: 11 },
      previous,
      head: { seq: head, epoch: "abcdef" },
    });
  removed(12, 13);
  const reader = thread.openReader({ user: "ann", channels: ["red"] }, {
    position: 11,
    gapReportedThrough: 11,
  });
  assertEquals(reader.next(1000)?.events.map(({ seq }) => seq), [12]);
  reader.close();
  events(13, 14);
  assertEquals([told, thread.head.seq], [["events 11 12", "events 14"], 14]);
  removed(15, 16);
  assertEquals(posted.at(-1), { kind: "events missing" }, "event 15 has not come");
  assertEquals(thread.head.seq, 14);
});
