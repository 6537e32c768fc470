/**
 * A server killed with SIGKILL: events that it has answered with `OK` are there again when it starts.
 *
 * @module
 */
import { assertEquals, assertMatch } from "../../support/assert.ts";
import { runServerCommand, withDefaults } from "../../support/server_command.ts";
import { startServer } from "../../support/server.ts";
import { openStream } from "../../support/sse_client.ts";
import { TempDir } from "../../support/temp_dir.ts";

Deno.test("acknowledged events are replayed after a SIGKILL", async () => {
  await using dir = await TempDir.make();
  const server = await startServer(["-store", `sqlite:${dir.join("store.db")}`]);
  const token = await server.token({ userId: "ann", channel: "red" });
  const first = await server.emit({ userId: "*", channel: "red", data: "first" });
  const acknowledged: string[] = [];
  for (let n = 0; n < 50; n++) {
    await server.emit({ userId: "*", channel: "red", data: String(n), idempotencyKey: `key ${n}` });
    acknowledged.push(String(n));
  }
  await server.kill();
  await using again = await server.startAgain();
  await using stream = await openStream(again.eventsUrl, { token, lastEventId: first.id });
  await again.emit({ userId: "*", channel: "red", data: "49", idempotencyKey: "key 49" });
  await again.emit({ userId: "*", channel: "red", data: "after" });
  await stream.waitForCount(acknowledged.length + 1);
  assertEquals(stream.events.map(({ data }) => data), [...acknowledged, "after"]);
});

Deno.test("a server does not start on a store that another server uses, nor on a text file", async () => {
  await using dir = await TempDir.make();
  const store = `sqlite:${dir.join("store.db")}`;
  await using _server = await startServer(["-store", store]);
  const second = await runServerCommand(withDefaults(["-store", store]));
  assertEquals(second.code, 1);
  assertMatch(
    second.stderr,
    /^sse-server: Cannot open the store .*: another process is using it\.$/m,
  );
  const text = await dir.write("notes.txt", "notes");
  const third = await runServerCommand(withDefaults(["-store", `sqlite:${text}`]));
  assertEquals([third.code, await Deno.readTextFile(text)], [1, "notes"]);
  assertMatch(
    third.stderr,
    /^sse-server: Cannot open the store .*: it is not a store file; .*\.$/m,
  );
});
