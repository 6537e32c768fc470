import { DatabaseSync } from "node:sqlite";
import type { Broker } from "../../../src/broker/broker.ts";
import { readConfig } from "../../../src/config/config.ts";
import { StartError } from "../../../src/lib/errors.ts";
import { openBroker } from "../../../src/server/open_broker.ts";
import { assert, assertEquals, assertNotEquals } from "../../support/assert.ts";
import { FakeClock } from "../../support/fake_clock.ts";
import { publication, receiptOf } from "../../support/hub/rig.ts";
import { SILENT } from "../../support/store/stores.ts";
import { TempDir } from "../../support/temp_dir.ts";

function open(store: string): Promise<Broker> {
  const config = readConfig({ store: [store], secret: ["s"] }, () => undefined);
  return openBroker(config, 1, new FakeClock(), SILENT);
}

async function emit(broker: Broker): Promise<string> {
  return receiptOf((await broker.publish([publication("red", "*", ["data: 1"])]))[0]).id;
}

Deno.test("in memory every start begins a new log, in a file the same log goes on", async () => {
  await using folder = await TempDir.make();
  const heads = async (store: string) => {
    const before = await open(store);
    const id = await emit(before);
    const { head } = before;
    assert(id.endsWith(head.epoch) && id.includes(String(head.seq)), id);
    await before.close();
    const after = await open(store);
    await after.close();
    return [head, after.head] as const;
  };
  const [memory, memoryAgain] = await heads("memory");
  assertNotEquals(memory.epoch, memoryAgain.epoch);
  assertEquals(memoryAgain.seq, 0);
  const [file, fileAgain] = await heads(`sqlite:${folder.join("store.db")}`);
  assertEquals(file, fileAgain);
});

Deno.test("a file that is a store but cannot be read is refused by name, as a failed start", async () => {
  await using folder = await TempDir.make();
  const file = folder.join("store.db");
  await (await open(`sqlite:${file}`)).close();
  const database = new DatabaseSync(file);
  database.exec("DROP TABLE event");
  database.close();
  let error: unknown;
  try {
    await (await open(`sqlite:${file}`)).close();
  } catch (thrown) {
    error = thrown;
  }
  assert(error instanceof StartError, `a failed start, not ${error}`);
  assertEquals(error.message, `Cannot read the store ${file}: no such table: event.`);
});
