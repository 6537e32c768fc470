import { WorkerSilent } from "../../../../src/lib/errors.ts";
import { assertEquals, assertMatch } from "../../../support/assert.ts";
import { settle } from "../../../support/hub/fake_time.ts";
import { FakePubSub } from "../../../support/store/fake_pub_sub.ts";

const NOBODY = { answers: [], unanswered: [] };

Deno.test("a question goes to every other server, and not to the one that asks", async () => {
  const redis = new FakePubSub();
  await using one = await redis.start("one");
  await using two = await redis.start("two");
  await using three = await redis.start("three");
  assertEquals(await one.peers.ask("sum", [1, 2]), { answers: [], unanswered: ["two", "three"] });
  for (const { peers } of [one, two, three]) {
    peers.serve("sum", ([a, b]) => `${peers.self}: ${Number(a) + Number(b)}`);
  }
  assertEquals(await one.peers.ask("sum", [1, 2]), {
    answers: [
      { server: "two", answer: "two: 3" },
      { server: "three", answer: "three: 3" },
    ],
    unanswered: [],
  });
});

Deno.test("questions that are asked at once get each its own answer", async () => {
  const redis = new FakePubSub();
  await using one = await redis.start("one");
  await using two = await redis.start("two");
  const pending: (() => void)[] = [];
  two.peers.serve("double", ([n]) =>
    new Promise((resolve) => {
      pending.push(() => resolve(2 * Number(n)));
    }));
  const asked = [1, 2, 3].map((n) => one.peers.ask("double", [n]));
  await settle();
  for (const answer of pending.toReversed()) answer();
  const answers = (await Promise.all(asked)).map(({ answers }) => answers[0]?.answer);
  assertEquals(answers, [2, 4, 6]);
});

Deno.test("who does not answer in time is named, and no later answer is counted", async () => {
  const redis = new FakePubSub();
  await using one = await redis.start("one");
  await using two = await redis.start("two");
  const { promise, resolve } = Promise.withResolvers<string>();
  two.peers.serve("slow", () => promise);
  assertEquals(await one.peers.ask("slow", []), { answers: [], unanswered: ["two"] });
  resolve("late");
  await settle();
  assertEquals(await one.peers.ask("slow", []), {
    answers: [{ server: "two", answer: "late" }],
    unanswered: [],
  });
});

Deno.test("who knows no answer, or fails, is named at once", async () => {
  const redis = new FakePubSub();
  await using one = await redis.start("one");
  await using two = await redis.start("two");
  await using three = await redis.start("three");
  two.peers.serve("x", () => {
    throw new Error("this fails");
  });
  three.peers.serve("x", () => undefined);
  three.peers.serve("y", () => Promise.reject(new WorkerSilent()));
  assertEquals(await one.peers.ask("x", []), { answers: [], unanswered: ["two", "three"] });
  assertMatch(two.lines.join(), /message of another server failed server=one name=x .*this fails/);
  assertEquals((await one.peers.ask("y", [])).unanswered, ["two", "three"]);
  assertEquals(three.lines, [], "a silent thread is nothing to log, each second");
});

Deno.test("a server without a sign of life for 20 seconds is neither waited for nor named", async () => {
  const redis = new FakePubSub();
  await using one = await redis.start("one");
  await using _two = await redis.start("two");
  redis.deaf.add("two");
  redis.clock.advance(19_000);
  assertEquals((await one.peers.ask("x", [])).unanswered, ["two"]);
  redis.clock.advance(2_000);
  assertEquals(await one.peers.ask("x", []), NOBODY);
});

Deno.test("who was dead before Redis went away is not named after that", async () => {
  const redis = new FakePubSub();
  await using one = await redis.start("one");
  await using _two = await redis.start("two");
  redis.deaf.add("two");
  assertEquals((await one.peers.ask("x", [])).unanswered, ["two"]);
  redis.clock.advance(21_000);
  one.disconnect();
  await settle();
  assertEquals(await one.peers.ask("x", []), NOBODY);
  await one.connect();
  assertEquals(await one.peers.ask("x", []), NOBODY);
});

Deno.test("a server that stops is gone at once, whatever older answers of Redis say", async () => {
  const redis = new FakePubSub();
  await using one = await redis.start("one");
  {
    await using _two = await redis.start("two");
    assertEquals((await one.peers.ask("x", [])).unanswered, ["two"]);
  }
  assertEquals([...redis.servers.keys()], ["one"]);
  assertEquals(await one.peers.ask("x", []), NOBODY);
  redis.servers.set("two", redis.clock.steady());
  assertEquals(await one.peers.ask("x", []), NOBODY);
});

Deno.test("while Redis is away all others are named, for as long as that lasts", async () => {
  const redis = new FakePubSub();
  await using one = await redis.start("one");
  await using two = await redis.start("two");
  two.peers.serve("x", () => "answer");
  await one.peers.ask("x", []);
  one.disconnect();
  await settle();
  redis.clock.advance(60_000);
  assertEquals(await one.peers.ask("x", []), { answers: [], unanswered: ["two"] });
});

Deno.test("a Redis that comes back empty leaves the others the time to come back", async () => {
  const redis = new FakePubSub();
  await using one = await redis.start("one");
  await using two = await redis.start("two");
  two.peers.serve("x", () => "answer");
  await one.peers.ask("x", []);
  for (const member of [one, two]) member.disconnect();
  redis.clock.advance(60_000);
  redis.servers.clear();
  await one.connect();
  assertEquals(await one.peers.ask("x", []), { answers: [], unanswered: ["two"] });
  await two.connect();
  assertEquals((await one.peers.ask("x", [])).answers, [{ server: "two", answer: "answer" }]);
});

Deno.test("a question that is under way when the connection is lost ends", async () => {
  const redis = new FakePubSub();
  await using one = await redis.start("one");
  await using two = await redis.start("two");
  two.peers.serve("x", () => new Promise(() => {}));
  const asked = one.peers.ask("x", []);
  await settle();
  one.disconnect();
  assertEquals(await asked, { answers: [], unanswered: ["two"] });
});

Deno.test("a Redis that lets nobody publish is logged once, and the others are named", async () => {
  const redis = new FakePubSub();
  redis.refuses = true;
  await using one = await redis.start("one");
  await using _two = await redis.start("two");
  for (let n = 0; n < 2; n++) {
    assertEquals(await one.peers.ask("x", []), { answers: [], unanswered: ["two"] });
  }
  one.disconnect();
  await one.connect();
  const refusals = one.lines.filter((line) => line.includes("servers cannot talk to each other"));
  assertEquals(refusals.length, 1);
  assertMatch(refusals[0] ?? "", / error .*NOPERM .*keys and channels with the prefix/);
  redis.refuses = false;
  one.disconnect();
  await one.connect();
  await one.peers.ask("x", []);
  assertMatch(redis.published.at(-1) ?? "", /"question"/);
});

Deno.test("on a Redis that has no room, servers are alive by what they say", async () => {
  const redis = new FakePubSub();
  await using one = await redis.start("one");
  await using two = await redis.start("two");
  await one.peers.ask("x", []);
  redis.isFull = true;
  redis.clock.advance(15_000);
  await two.peers.ask("x", []);
  redis.clock.advance(15_000);
  assertEquals((await one.peers.ask("x", [])).unanswered, ["two"]);
  assertEquals(one.lines, [], "which the publisher logs already");
});

Deno.test("what is not understood is ignored", async () => {
  const redis = new FakePubSub();
  await using one = await redis.start("one");
  let calls = 0;
  one.peers.serve("x", () => calls++);
  for (
    const text of [
      "",
      "{",
      "null",
      "[]",
      '"here"',
      '{"kind":"here"}',
      '{"kind":"song","from":"two"}',
      '{"kind":"question","from":"two","id":1,"name":"x"}',
      '{"kind":"question","from":"two","id":1,"name":1,"args":[]}',
      '{"kind":"question","from":"two","name":"x","args":[]}',
      '{"kind":"question","from":1,"id":1,"name":"x","args":[]}',
      '{"kind":"answer","from":"two"}',
    ]
  ) redis.say(text);
  await settle();
  assertEquals(calls, 0);
  assertEquals(await one.peers.ask("x", []), NOBODY);
  redis.say(
    '{"kind":"question","from":"two","id":1,"name":"x","args":[],"more":"of a later version"}',
  );
  await settle();
  assertEquals(calls, 1);
});
