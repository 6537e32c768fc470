import { StartError } from "../../../src/lib/errors.ts";
import { createLogger } from "../../../src/observability/logger.ts";
import { type Handler, Listener } from "../../../src/server/listener.ts";
import { assert, assertEquals, assertMatch, assertRejects } from "../../support/assert.ts";

const ANY_PORT = { host: "127.0.0.1", port: 0 };

const answerOk: Handler = () => Promise.resolve(new Response("OK"));

function start(address = ANY_PORT, handler = answerOk): Listener {
  const lines: string[] = [];
  const logger = createLogger("debug", () => 0, (line) => lines.push(line));
  return Listener.start({ name: "client", address, handler, logger });
}

async function ask(listener: Listener): Promise<string> {
  return await (await fetch(`http://${listener.address}/`)).text();
}

Deno.test("a listener knows the port that it was given, and answers there until it is stopped", async () => {
  const listener = start();
  assertMatch(listener.address, /^127\.0\.0\.1:[1-9][0-9]*$/);
  assertEquals([await ask(listener), listener.accepting], ["OK", true]);
  await listener.stop();
  assertEquals(listener.accepting, false);
  await assertRejects(() => ask(listener), /./);
});

Deno.test("a listener that is stopped still answers earlier requests", async () => {
  const asked = Promise.withResolvers<void>();
  const answer = Promise.withResolvers<Response>();
  const listener = start(ANY_PORT, () => {
    asked.resolve();
    return answer.promise;
  });
  const request = ask(listener);
  await asked.promise;
  const stopped = listener.stop();
  assertEquals(listener.accepting, false);
  answer.resolve(new Response("late"));
  assertEquals(await request, "late");
  await stopped;
});

Deno.test("a listener that cannot start says which address, which listener, and why", async () => {
  const first = start();
  const port = Number(first.address.split(":")[1]);
  const cases = [
    [{ host: "127.0.0.1", port }, `127.0.0.1:${port} (client listener): the address is in use.`],
    [
      { host: "192.0.2.1", port: 0 },
      "192.0.2.1:0 (client listener): the address is not this machine's.",
    ],
  ] as const;
  for (const [address, expected] of cases) {
    let error: unknown;
    try {
      await start(address).stop();
    } catch (thrown) {
      error = thrown;
    }
    assert(error instanceof StartError, `a failed start, not ${error}`);
    assertEquals(error.message, `Cannot listen on ${expected}`);
  }
  await first.stop();
});
