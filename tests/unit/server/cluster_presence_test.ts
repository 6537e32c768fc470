import type { PeerAnswers, PeerHandler, Peers } from "../../../src/broker/peers.ts";
import { noPeers } from "../../../src/broker/peers.ts";
import type { Presence } from "../../../src/hub/presence.ts";
import { ClusterPresence } from "../../../src/server/cluster_presence.ts";
import { WorkerSilent } from "../../../src/lib/errors.ts";
import { assertEquals, assertRejects } from "../../support/assert.ts";
import { FakeClock } from "../../support/fake_clock.ts";

const HERE: Presence = { users: [["alex", 1, 100]], anonymousStreams: 1 };
const THERE: Presence = { users: [["alex", 2, 50], ["sam", 1, 70]], anonymousStreams: 0 };

/** A server whose others answer what a test says. */
function rig() {
  const clock = new FakeClock();
  const handlers = new Map<string, PeerHandler>();
  const state: { here: readonly Presence[] | undefined; there: PeerAnswers } = {
    here: [HERE],
    there: { answers: [], unanswered: [] },
  };
  const peers: Peers = {
    ...noPeers,
    ask: () => Promise.resolve(state.there),
    serve: (name, handler) => void handlers.set(name, handler),
  };
  const here = () =>
    state.here === undefined ? Promise.reject(new WorkerSilent()) : Promise.resolve(state.here);
  const presence = new ClusterPresence({ here, peers, clock });
  /** The names found, and who did not answer. */
  const find = async (channel = "chat") => {
    const report = await presence.of(channel);
    return [report.users.map(([user]) => user).join(" "), ...report.unanswered];
  };
  const answered = (answer: unknown) => {
    state.there = { answers: [{ server: "other", answer }], unanswered: [] };
  };
  const silent = () => {
    state.there = { answers: [], unanswered: ["other"] };
  };
  return { clock, state, handlers, presence, find, answered, silent };
}

Deno.test("the users of all workers and servers are found, each once", async () => {
  const { state, presence, answered } = rig();
  state.here = [HERE, { users: [["kim", 1, 10]], anonymousStreams: 2 }];
  answered(THERE);
  assertEquals(await presence.of("chat"), {
    users: [["alex", 3, 50], ["kim", 1, 10], ["sam", 1, 70]],
    anonymousStreams: 3,
    unanswered: [],
  });
});

Deno.test("a server that does not answer is named, and its last answer is good for 20 seconds", async () => {
  const { clock, find, answered, silent } = rig();
  silent();
  assertEquals(await find(), ["alex", "other"]);
  answered(THERE);
  assertEquals(await find(), ["alex sam"]);
  silent();
  clock.advance(20_000);
  assertEquals(await find(), ["alex sam", "other"]);
  assertEquals(await find("news"), ["alex", "other"], "the answer was about another channel");
  clock.advance(1);
  assertEquals(await find(), ["alex", "other"]);
});

Deno.test("each answer takes the place of the last one, and is good anew", async () => {
  const { clock, find, answered, silent } = rig();
  answered(THERE);
  await find();
  clock.advance(15_000);
  answered({ users: [["kim", 1, 5]], anonymousStreams: 0 });
  await find();
  clock.advance(15_000);
  silent();
  assertEquals(await find(), ["alex kim", "other"]);
});

Deno.test("an old answer about one channel is not kept by newer ones about another", async () => {
  const { clock, find, answered, silent } = rig();
  answered(THERE);
  await find("news");
  await find("chat");
  clock.advance(15_000);
  await find("news");
  clock.advance(15_000);
  silent();
  assertEquals(await find("news"), ["alex sam", "other"]);
  assertEquals(await find("chat"), ["alex", "other"]);
});

Deno.test("the last answer of a server that is gone is not used", async () => {
  const { state, find, answered } = rig();
  answered(THERE);
  await find();
  state.there = { answers: [], unanswered: [] };
  assertEquals(await find(), ["alex"]);
});

Deno.test("an answer that is not understood is none", async () => {
  const { find, answered } = rig();
  answered({ people: 3 });
  assertEquals(await find(), ["alex", "other"]);
});

Deno.test("with a silent worker nothing is told, to other servers neither", async () => {
  const { state, handlers, presence, answered } = rig();
  answered(THERE);
  state.here = undefined;
  await assertRejects(() => presence.of("chat"), /^Cannot tell: a worker /);
  const handler = handlers.get("presence");
  await assertRejects(async () => await handler?.(["chat"]), /^Cannot tell: a worker /);
  state.here = [HERE];
  assertEquals(await handler?.(["chat"]), HERE);
  assertEquals(await handler?.([1]), undefined);
});
