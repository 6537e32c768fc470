import { readConfig } from "../../../src/config/config.ts";
import { systemClock } from "../../../src/lib/clock.ts";
import { createLogger } from "../../../src/observability/logger.ts";
import { unlessGivenUp } from "../../../src/server/give_up.ts";
import { Server } from "../../../src/server/server.ts";
import { assertEquals, assertRejects } from "../../support/assert.ts";
import { TEST_SECRET } from "../../support/server_command.ts";
import { withDeadline } from "../../support/wait.ts";

const GIVEN_UP = /^Told to stop before the server had started\.$/;

/** Worker threads that live, and tell this test, but never the server that they have started. */
const SILENT = new URL(
  "data:text/javascript,new BroadcastChannel('silent workers').postMessage('begun');" +
    "setInterval(() => {}, 1000)",
);

Deno.test("a part of the start that nobody gives up ends as it would", async () => {
  const { signal } = new AbortController();
  assertEquals(await unlessGivenUp(signal, () => Promise.resolve(7)), 7);
  assertEquals(await unlessGivenUp(undefined, () => Promise.resolve(7)), 7);
  await assertRejects(() => unlessGivenUp(signal, () => Promise.reject(new Error("no"))), /^no$/);
});

Deno.test("a part of the start is not begun once the server is to stop", async () => {
  let begun = false;
  const part = () => Promise.resolve(void (begun = true));
  await assertRejects(() => unlessGivenUp(AbortSignal.abort(), part), GIVEN_UP);
  assertEquals(begun, false);
});

Deno.test("a server that is told to stop does not wait for worker threads that do not start", async () => {
  const stop = new AbortController();
  const flags = { bind: ["127.0.0.1:0"], bindctl: ["127.0.0.1:0"], workers: ["3"] };
  const config = readConfig({ ...flags, secret: [TEST_SECRET] }, () => undefined);
  const log: string[] = [];
  const logger = createLogger("info", () => 0, (line) => log.push(line));
  const started = Server.start(config, systemClock, logger, {
    giveUp: stop.signal,
    module: SILENT,
  });
  const begun = new BroadcastChannel("silent workers");
  begun.onmessage = () => stop.abort();
  await withDeadline("the end", assertRejects(() => started, GIVEN_UP));
  begun.close();
  assertEquals(log, []);
});
