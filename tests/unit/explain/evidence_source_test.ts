import type { PeerAnswers, PeerHandler } from "../../../src/broker/peers.ts";
import { noPeers } from "../../../src/broker/peers.ts";
import { EvidenceSource } from "../../../src/explain/evidence_source.ts";
import { joinRecords } from "../../../src/explain/records.ts";
import { RefusedEmits } from "../../../src/explain/refused_emits.ts";
import { BadField, WorkerSilent } from "../../../src/lib/errors.ts";
import { assertEquals, assertRejects } from "../../support/assert.ts";
import { evidence, refusalRecord, streamRecord } from "../../support/explain_records.ts";
import { FakeClock } from "../../support/fake_clock.ts";

const QUESTION = { user: "alex", channel: "chat" };
const { record } = evidence({ streams: [streamRecord()], refusals: [refusalRecord()] });

function source(others: PeerAnswers, hubs: readonly (typeof record)[] = [record]) {
  let handler: PeerHandler | undefined;
  const refusedEmits = new RefusedEmits({ entries: 10, ageMs: 1000 }, new FakeClock());
  refusedEmits.note(new BadField("x", "x"), undefined);
  const made = new EvidenceSource({
    askHubs: () => Promise.resolve(hubs),
    refusedEmits,
    peers: {
      ...noPeers,
      ask: () => Promise.resolve(others),
      serve: (_name, serve) => handler = serve,
    },
    isStoreShared: true,
  });
  return { source: made, serve: (...args: unknown[]) => handler?.(args) };
}

Deno.test("what hubs and other servers know becomes one, and each server is named", async () => {
  const later = { ...record, beginsMs: 7, beginsAfter: 9 };
  const answer = JSON.parse(JSON.stringify({ record: later, refusedEmits: [{ lastMs: 1 }] }));
  const others = {
    answers: [{ server: "web-2", answer }, { server: "web-3", answer: { record: {} } }],
    unanswered: ["web-4"],
  };
  const span = { fromMs: 0, toMs: Infinity };
  const { source: asked } = source(others, [record, record]);
  const known = await asked.gather(QUESTION, "aaaaaa", span);
  assertEquals(known.record.streams.map(({ server }) => server), [undefined, undefined, "web-2"]);
  assertEquals([known.record.beginsMs, known.record.beginsAfter], [7, 9]);
  assertEquals(known.record.refusals.at(-1)?.server, "web-2");
  assertEquals(known.unanswered, ["web-4", "web-3"]);
  const [none, some] = [[], ["Alex"]].map((similarUsers) => ({
    ...record,
    streams: [],
    similarUsers,
  }));
  assertEquals(joinRecords([none, some]).similarUsers, ["Alex"]);
  assertEquals(joinRecords([record, some]).similarUsers, [], "the user is known elsewhere");
  assertEquals(known.refusedEmits.map(({ server }) => server), [undefined, "web-2"]);
});

Deno.test("a hub that is silent is no answer, to the operator and to other servers", async () => {
  const nobody = { answers: [], unanswered: [] };
  const { source: asked, serve } = source(nobody);
  const silent = new EvidenceSource({
    askHubs: () => Promise.reject(new WorkerSilent()),
    refusedEmits: new RefusedEmits({ entries: 0, ageMs: 0 }, new FakeClock()),
    peers: noPeers,
    isStoreShared: false,
  });
  await assertRejects(
    () => silent.gather(QUESTION, "aaaaaa"),
    /^Cannot tell: a worker thread of this server did not answer in time\./,
  );
  assertEquals((await asked.gather(QUESTION, "aaaaaa")).record.streams.length, 1);
  assertEquals(await serve("alex"), undefined);
  assertEquals(Object.keys(await serve("alex", "chat", 0, 1) as object), [
    "record",
    "refusedEmits",
  ]);
});
