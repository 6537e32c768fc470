import type { Broker } from "../../../src/broker/broker.ts";
import { readConfig } from "../../../src/config/config.ts";
import { StoreAway } from "../../../src/lib/errors.ts";
import { createLogger } from "../../../src/observability/logger.ts";
import { openWhenThere, type StoreWait } from "../../../src/server/store_wait.ts";
import { assertEquals, assertRejects } from "../../support/assert.ts";
import { FakeClock } from "../../support/fake_clock.ts";
import { lastingPort } from "../../support/lasting_ports.ts";
import { RawConnection } from "../../support/raw_connection.ts";
import { waitFor, withDeadline } from "../../support/wait.ts";

const GIVEN_UP = /^Told to stop before the server had started\.$/;

/** A store that is away until it is told otherwise. */
class Store {
  isThere = false;
  attempts = 0;
  closed = 0;
  readonly broker = {
    close: () => Promise.resolve(void this.closed++),
  } as Partial<Broker> as Broker;

  readonly open = (): Promise<Broker> => {
    this.attempts++;
    if (this.isThere) return Promise.resolve(this.broker);
    return Promise.reject(new StoreAway("the store", "nothing listens there"));
  };
}

/** What waiting works with, and where it listens and logs. */
function waiting(given: Partial<StoreWait> = {}): StoreWait & { control: string; log: string[] } {
  const control = `127.0.0.1:${lastingPort()}`;
  const config = readConfig({ bind: ["127.0.0.1:0"], bindctl: [control] }, () => undefined);
  const keys = { secrets: [], publicKeys: [], keySets: [], keySetUrls: [] };
  const log: string[] = [];
  return {
    settings: { config, keys, certificate: undefined },
    clock: new FakeClock(),
    logger: createLogger("info", () => 0, (line) => log.push(line.slice(line.indexOf(" ") + 1))),
    control,
    log,
    ...given,
  };
}

Deno.test("who is told to stop in a pause does not try the store again", async () => {
  const store = new Store();
  const stop = new AbortController();
  const wait = waiting({
    giveUp: stop.signal,
    // The pause begins in the same turn.
    foundAway: () => queueMicrotask(() => stop.abort()),
  });
  await assertRejects(() => openWhenThere(store.open, wait), GIVEN_UP);
  assertEquals([store.attempts, store.closed], [1, 0]);
});

Deno.test("who is told to stop does not wait for a store that neither opens nor fails", async () => {
  const stop = new AbortController();
  const { promise: opening, resolve: open } = Promise.withResolvers<Broker>();
  const wait = waiting({ giveUp: stop.signal });
  const opened = openWhenThere(() => opening, wait);
  stop.abort();
  await withDeadline("the end", assertRejects(() => opened, GIVEN_UP));
  const store = new Store();
  open(store.broker);
  await waitFor("the store that opened after all to be closed", () => store.closed === 1);
  assertEquals(wait.log, []);
});

Deno.test("who was told to stop while a file held up the event loop closes it", async () => {
  const store = new Store();
  store.isThere = true;
  const stop = new AbortController();
  const open = () => {
    // A signal that is handled as soon as the event loop runs.
    setTimeout(() => stop.abort(), 0);
    return store.open();
  };
  await assertRejects(() => openWhenThere(open, waiting({ giveUp: stop.signal })), GIVEN_UP);
  await waitFor("the store to be closed", () => store.closed === 1);
});

Deno.test("a request that is never finished does not keep the server from starting once the store is there", async () => {
  const store = new Store();
  const wait = waiting();
  const opened = openWhenThere(store.open, wait);
  await waitFor("a further attempt", () => store.attempts > 1);
  using held = await RawConnection.open(`http://${wait.control}`);
  await held.send("POST /emit/ HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\n");
  await held.until(/^HTTP\/1.1 503 /);
  store.isThere = true;
  assertEquals(await withDeadline("the store", opened), store.broker);
});

Deno.test("the log says once a minute that the store is still away, and each attempt is told", async () => {
  const store = new Store();
  const clock = new FakeClock();
  let away = 0;
  const wait = waiting({
    clock,
    foundAway: () => {
      away++;
      clock.advance(30_000);
      store.isThere = away === 4;
    },
  });
  assertEquals(await openWhenThere(store.open, wait), store.broker);
  assertEquals([store.attempts, away], [5, 4]);
  const line = 'warn waiting for the store store="the store" error="nothing listens there"';
  assertEquals(wait.log, [line, `${line} seconds=60`]);
});
