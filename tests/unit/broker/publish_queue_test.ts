import { setImmediate } from "node:timers";
import type { Outcome, Publication } from "../../../src/broker/broker.ts";
import { type Outcomes, PublishQueue } from "../../../src/broker/publish_queue.ts";
import { StoreUnavailable } from "../../../src/lib/errors.ts";
import { assertEquals } from "../../support/assert.ts";
import { publication } from "../../support/hub/rig.ts";

function named(name: string, length = 0): Publication {
  return publication("red", "*", [`data: ${name}${" ".repeat(length)}`]);
}

function nameOf({ drafts }: Publication): string {
  return (drafts[0]?.block ?? "").replace("data: ", "").trim();
}

/** A queue whose store refuses publications that are named "bad", and what it was asked to publish. */
function recordingQueue() {
  const batches: string[][] = [];
  const take = (publications: readonly Publication[]): Outcomes | undefined => {
    const names = publications.map(nameOf);
    batches.push(names);
    if (names.includes("bad")) return undefined;
    return names.map((id) => ({ id, subscribers: 0 }));
  };
  const refused = new StoreUnavailable("No room.");
  const queue = new PublishQueue((one) => take(one) ?? one.map(() => refused), take);
  return { queue, batches };
}

function namesOf(outcomes: readonly (readonly Outcome[])[]): string[] {
  return outcomes.flat().map((outcome) => outcome instanceof Error ? outcome.message : outcome.id);
}

Deno.test("what comes in one turn is published together, in order, at its end", async () => {
  const { queue, batches } = recordingQueue();
  const calls = [queue.publish([named("1"), named("2")]), queue.publish([])];
  await Promise.resolve();
  calls.push(queue.publish([named("3")]));
  assertEquals(batches, [], "the turn is not over");
  const outcomes = await Promise.all(calls);
  assertEquals(outcomes.map((each) => namesOf([each])), [["1", "2"], [], ["3"]]);
  assertEquals(namesOf([await queue.publish([named("4")])]), ["4"]);
  assertEquals(batches, [["1", "2", "3"], ["4"]]);
});

Deno.test("a call that the store refuses does not fail those that came with it", async () => {
  const { queue, batches } = recordingQueue();
  const names = ["1", "bad", "2", "3"];
  const calls = names.map((name) => queue.publish([named(name)]));
  await new Promise((resolve) => setImmediate(resolve));
  calls.push(queue.publish([named("4")]), queue.publish([named("5")]));
  assertEquals(namesOf(await Promise.all(calls)), ["1", "No room.", "2", "3", "4", "5"]);
  assertEquals(batches, [names, ["1"], ["bad"], ["2"], ["3"], ["4", "5"]]);
});

Deno.test("a batch is bounded in events and in length, but takes a call of any size", async () => {
  const { queue, batches } = recordingQueue();
  const many = Array.from({ length: 400 }, () => named("many"));
  const calls = [
    ...[many, many, [...many, ...many]].map((publications) => queue.publish(publications)),
    ...[600_000, 600_000, 3_000_000].map((length) => queue.publish([named("long", length)])),
  ];
  await Promise.all(calls);
  assertEquals(batches.map(({ length }) => length), [400, 400, 800, 1, 1, 1]);
});

Deno.test("other work has its turn between two batches", async () => {
  let batches = 0;
  const before: number[] = [];
  const publish = (publications: readonly Publication[]) => {
    batches++;
    // A timer that is set before the queue's own is due before it.
    if (batches < 3) setTimeout(() => before.push(batches), 0);
    return publications.map(() => ({ id: "1", subscribers: 0 }));
  };
  const queue = new PublishQueue(publish, publish);
  const many = Array.from({ length: 400 }, () => named("many"));
  await Promise.all([queue.publish(many), queue.publish(many), queue.publish(many)]);
  assertEquals(before, [1, 2]);
});

Deno.test("flushing publishes at once what waits, and nothing is published twice", async () => {
  const { queue, batches } = recordingQueue();
  const calls = [queue.publish([named("1")]), queue.publish([named("bad")])];
  queue.flush();
  assertEquals(batches, [["1", "bad"], ["1"], ["bad"]]);
  assertEquals(namesOf(await Promise.all(calls)), ["1", "No room."]);
  await queue.publish([named("2")]);
  assertEquals(batches.at(-1), ["2"]);
});

Deno.test("an error that nobody foresaw reaches its publishers, and the next are published", async () => {
  let failure: Error | undefined = new TypeError("a mistake");
  const publish = (publications: readonly Publication[]) => {
    if (failure !== undefined) throw failure;
    return publications.map(() => ({ id: "1", subscribers: 0 }));
  };
  const queue = new PublishQueue(publish, publish);
  const calls = await Promise.allSettled([
    queue.publish([named("1")]),
    queue.publish([named("2")]),
  ]);
  assertEquals(calls.map(({ status }) => status), ["rejected", "rejected"]);
  failure = undefined;
  assertEquals((await queue.publish([named("3")])).length, 1);
});

/** Publishes once for each name, and then again as soon as it is answered, as back ends do that await each answer. */
function publishTwice(queue: PublishQueue, names: readonly string[]): Promise<unknown> {
  return Promise.all(names.map(async (name) => {
    await queue.publish([named(name)]);
    // Each comes back in a turn of its own.
    for (let turn = 0; turn < names.indexOf(name); turn++) {
      await new Promise((resolve) => setImmediate(resolve));
    }
    await queue.publish([named(name)]);
  }));
}

Deno.test("publishers that were answered together are published together again", async () => {
  const { queue, batches } = recordingQueue();
  await publishTwice(queue, ["1", "2", "3"]);
  assertEquals(batches, [["1", "2", "3"], ["1", "2", "3"]]);
});

Deno.test("a publisher that comes back alone is published without the others", async () => {
  const { queue, batches } = recordingQueue();
  await Promise.all(["1", "2", "3"].map((name) => queue.publish([named(name)])));
  await queue.publish([named("4")]);
  await queue.publish([named("5")]);
  assertEquals(batches, [["1", "2", "3"], ["4"], ["5"]]);
});

Deno.test("flushing ends the wait for others, and the next are published as ever", async () => {
  const { queue, batches } = recordingQueue();
  await Promise.all(["1", "2"].map((name) => queue.publish([named(name)])));
  const waits = queue.publish([named("3")]);
  queue.flush();
  await waits;
  await Promise.all(["4", "5"].map((name) => queue.publish([named(name)])));
  assertEquals(batches, [["1", "2"], ["3"], ["4", "5"]]);
});
