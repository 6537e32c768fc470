import type { RevocationRecord } from "../../../src/auth/revocations.ts";
import { noPeers, type PeerAnswers, type PeerHandler } from "../../../src/broker/peers.ts";
import { LocalRevocations } from "../../../src/broker/revocation_store.ts";
import { Revoker } from "../../../src/server/revoker.ts";
import { assert, assertEquals } from "../../support/assert.ts";
import { FakeClock } from "../../support/fake_clock.ts";

const NOBODY: PeerAnswers = { answers: [], unanswered: [] };

/** A revoker whose streams and other servers answer what a test says. */
function rig(here: number | undefined, there: PeerAnswers = NOBODY) {
  const clock = new FakeClock();
  const revocations = new LocalRevocations(() => clock.wall());
  const done: string[] = [];
  let handler: PeerHandler | undefined;
  const peers = {
    ...noPeers,
    ask: (name: string) => {
      done.push(name);
      return Promise.resolve(there);
    },
    serve: (_name: string, serving: PeerHandler) => {
      handler = serving;
    },
  };
  const clients = {
    revoke: (records: readonly RevocationRecord[]) => {
      done.push(`${records.length} here`);
      return Promise.resolve(here);
    },
  };
  const broker = { revocations, peers };
  const revoker = new Revoker({ broker, clients, clock, revocationSeconds: 60 });
  return { revoker, revocations, clock, done, serve: () => handler?.([]) };
}

Deno.test("streams are counted over all servers, and those that did not answer are named", async () => {
  const answers = [
    { server: "b", answer: 2 },
    { server: "c", answer: 0 },
    { server: "e", answer: "of another version" },
  ];
  const { revoker, clock } = rig(3, { answers, unanswered: ["d"] });
  assertEquals(await revoker.revoke([{ user: "alex" }]), {
    revokedAt: clock.wall() / 1000,
    refusedUntil: clock.wall() / 1000 + 60,
    streams: 5,
    unanswered: ["d", "e"],
  });
});

Deno.test("streams that a thread did not count are not said to be none", async () => {
  const { revoker } = rig(undefined, { answers: [{ server: "b", answer: 2 }], unanswered: [] });
  assertEquals((await revoker.revoke([{ user: "alex" }])).streams, undefined);
});

Deno.test("what cannot be stored ends no stream, here or elsewhere", async () => {
  const { revoker, revocations, done } = rig(1);
  revocations.add = () => Promise.reject(new Error("no room"));
  const error = await revoker.revoke([{ user: "alex" }]).then(() => undefined, (error) => error);
  assert(error instanceof Error, "it failed");
  assertEquals(done, []);
});

Deno.test("what another server has revoked ends streams here, and is counted there", async () => {
  const { revocations, done, serve } = rig(4);
  const record = { user: "alex", revokedAt: 1, forgetAt: 2 };
  revocations.refresh = () => Promise.resolve([record]);
  assertEquals([await serve(), done], [4, ["1 here"]]);
});
