import { assert, assertEquals } from "../support/assert.ts";
import { healthOf } from "../support/health.ts";
import { assertOnlyLogLines } from "../support/log_lines.ts";
import { residentBytes } from "../support/process_memory.ts";
import { RawConnection } from "../support/raw_connection.ts";
import { type Server, startServer } from "../support/server.ts";
import { openStream } from "../support/sse_client.ts";
import { waitFor } from "../support/wait.ts";

const EVERYONE = { userId: "*", channel: "chat" };
/** Together far more than the kernel and the runtime hold for a reader that does not read. */
const FLOOD_EVENTS = 40;
const FLOOD_DATA = "x".repeat(500_000);

function tokenFor(server: Server, userId: string): Promise<string> {
  return server.token({ userId, channel: "chat", exp: 600 });
}

/** Emits until the buffers of whoever does not read must be full. */
async function flood(server: Server): Promise<void> {
  for (let n = 0; n < FLOOD_EVENTS; n++) {
    await server.emit({ ...EVERYONE, data: `${n} ${FLOOD_DATA}` });
  }
}

Deno.test("a reader that stops reading delays nobody, is cut after the stall time, and named", async () => {
  await using server = await startServer(["-stall", "1"]);
  await using reader = await openStream(server.eventsUrl, {
    token: await tokenFor(server, "reading"),
  });
  using stuck = await RawConnection.openStream(
    server.clientOrigin,
    await tokenFor(server, "stuck one"),
  );
  await waitFor("both streams", async () => (await healthOf(server)).subscribers === 2);
  await flood(server);
  const heard = await reader.waitForCount(FLOOD_EVENTS);
  assertEquals(
    heard.map(({ data }) => data.split(" ")[0]),
    Array.from({ length: FLOOD_EVENTS }, (_, n) => String(n)),
  );

  const [, seconds] = await server.log.waitFor(
    / warn stream ended ending="too slow" user="stuck one" channel=chat seconds=([\d.]+) stream=[0-9a-z-]+$/,
  );
  assert(Number(seconds) >= 1, `cut after ${seconds} s`);
  assertEquals(await healthOf(server), {
    status: "ok",
    store: "ok",
    subscribers: 1,
    endings: { too_slow: 1 },
  });
  await server.emit({ ...EVERYONE, data: "after" });
  assertEquals((await reader.waitForCount(FLOOD_EVENTS + 1)).at(-1)?.data, "after");

  assertOnlyLogLines(server);

  // Once it reads again, what is on the way still comes; then it must see that it was cut off.
  await stuck.until(/: connected/);
  await stuck.toEnd();
  assert(!stuck.text.includes("data: after"), "what was cut off must not get later events");
});

Deno.test("new clients connect and events flow while another does not read at all", async () => {
  await using server = await startServer(["-stall", "0"]);
  using stuck = await RawConnection.openStream(
    server.clientOrigin,
    await tokenFor(server, "stuck"),
  );
  await waitFor("its stream", async () => (await healthOf(server)).subscribers === 1);
  await flood(server);
  await using late = await openStream(server.eventsUrl, { token: await tokenFor(server, "late") });
  const receipt = await server.emit({ ...EVERYONE, data: "1" });
  assertEquals(receipt.subscribers, 2);
  assertEquals((await late.next()).data, "1");
  assertEquals((await healthOf(server)).subscribers, 2, "with -stall 0 nobody is cut");
  stuck.close();
});

Deno.test("a slow reader that catches up gets every event, in order, none twice", async () => {
  await using server = await startServer(["-max-buffer", "65536", "-history-bytes", "100000000"]);
  using slow = await RawConnection.openStream(server.clientOrigin, await tokenFor(server, "slow"));
  await waitFor("its stream", async () => (await healthOf(server)).subscribers === 1);
  await flood(server);
  await server.emit({ ...EVERYONE, data: "the end" });
  await slow.until(/data: the end\nid: .*\n\n/);
  const numbers = [...slow.text.matchAll(/^data: (\d+) x/gm)].map((match) => Number(match[1]));
  assertEquals(numbers, Array.from({ length: FLOOD_EVENTS }, (_, n) => n));
  assert(!slow.text.includes("event: gap"));
});

Deno.test({
  name: "readers that do not read do not make the server's memory grow with every event",
  ignore: Deno.build.os !== "linux",
  fn: async () => {
    const readers = 20;
    const flags = ["-stall", "0", "-max-buffer", "100000", "-history-total-bytes", "1000000"];
    await using server = await startServer(flags);
    const token = await tokenFor(server, "stuck");
    using stuck = new DisposableStack();
    for (let n = 0; n < readers; n++) {
      stuck.use(await RawConnection.openStream(server.clientOrigin, token));
    }
    await waitFor("the streams", async () => (await healthOf(server)).subscribers === readers);
    await flood(server);
    const before = await residentBytes(server.pid);
    await flood(server);
    const grown = await residentBytes(server.pid) - before;
    // What all of them were sent in the second flood is twenty times as much as this.
    assert(grown < FLOOD_EVENTS * FLOOD_DATA.length, `grown by ${grown} bytes`);
    assertEquals((await healthOf(server)).subscribers, readers);
  },
});

Deno.test("a reader that was cut counts against -max-connections for as long as its connection is open", async () => {
  await using server = await startServer(["-stall", "1", "-max-connections", "1"]);
  const stuck = await RawConnection.openStream(
    server.clientOrigin,
    await tokenFor(server, "stuck"),
  );
  await waitFor("the stream", async () => (await healthOf(server)).subscribers === 1);
  await flood(server);
  await server.log.waitFor(/ warn stream ended ending="too slow"/);
  const token = await tokenFor(server, "next");
  await using turnedAway = await openStream(server.eventsUrl, { token });
  assertEquals(await turnedAway.waitForEnd(), "clean");
  stuck[Symbol.dispose]();
  await waitFor("room for the next", async () => {
    await using next = await openStream(server.eventsUrl, { token });
    await server.emit({ ...EVERYONE, data: "room" });
    await waitFor("an event or the end", () => next.events.length > 0 || next.end !== undefined);
    return next.events.length > 0;
  });
});
