import { controlKeyLine } from "../../src/auth/control_keys.ts";
import { assert, assertEquals, assertRejects } from "../support/assert.ts";
import { makeToken } from "../support/jwt.ts";
import { assertOnlyLogLines } from "../support/log_lines.ts";
import { type Server, startServer } from "../support/server.ts";
import { openStream } from "../support/sse_client.ts";
import { TempDir } from "../support/temp_dir.ts";

/** The status of an emit with a key. */
async function emitStatus(server: Server, key: string, channel = "chat"): Promise<number> {
  const response = await fetch(`${server.controlOrigin}/emit/`, {
    method: "POST",
    headers: { Authorization: `Bearer ${key}` },
    body: new URLSearchParams({ userId: "*", channel, data: key }),
  });
  await response.body?.cancel();
  return response.status;
}

Deno.test("SIGHUP reads the control keys anew, no stream ends, and a wrong file changes nothing", async () => {
  await using folder = await TempDir.make();
  const write = (...lines: readonly string[]) => folder.write("keys", lines.join("\n"));
  const admin = controlKeyLine("admin", "a-KEY", ["all"]);
  const file = await write(admin, controlKeyLine("old", "o-KEY", ["emit:*"]));
  await using server = await startServer(["-control-keys", file], { controlKey: "a-KEY" });
  const token = await server.token({ userId: "alex", channel: "chat" });
  await using stream = await openStream(server.eventsUrl, { token });
  assertEquals(await emitStatus(server, "o-KEY"), 200);

  await write(admin, controlKeyLine("new", "n-KEY", ["emit:chat"]));
  server.signal("SIGHUP");
  await server.log.waitFor(/ info control keys reread keys=2$/m);
  assertEquals(await emitStatus(server, "o-KEY"), 401);
  assertEquals(await emitStatus(server, "n-KEY"), 200);
  assertEquals(await emitStatus(server, "n-KEY", "news"), 403);

  await write(admin, "new hunter2 all");
  server.signal("SIGHUP");
  await server.log.waitFor(
    / error control keys not reread, the old ones stay error="Cannot use .*: line 2: after the name /,
  );
  await Deno.remove(file);
  server.signal("SIGHUP");
  await server.log.waitFor(/ error control keys not reread, .* there is no such file\."$/m);
  assertEquals(await emitStatus(server, "n-KEY"), 200);

  await stream.waitForCount(3);
  assertEquals(stream.events.map(({ data }) => data), ["o-KEY", "n-KEY", "n-KEY"]);
  assertOnlyLogLines(server);
  assert(!/KEY|hunter2/.test(server.log.text), server.log.text);
});

Deno.test("SIGHUP reads the secrets anew, and ends the streams whose secret is gone, and no others", async () => {
  await using folder = await TempDir.make();
  const file = await folder.write("secret", "new\nold\n");
  await using server = await startServer(["-secret-file", file, "-workers", "2"]);
  const open = (secret: string) =>
    openStream(server.eventsUrl, {
      token: makeToken({ userId: "alex", channel: "chat" }, { secret }),
    });
  await using ofNew = await open("new");
  await using ofOld = await open("old");
  await folder.write("secret", "new\n");
  server.signal("SIGHUP");
  await server.log.waitFor(/ info token keys reread secrets=1 files=0 addresses=0$/m);
  assertEquals(await ofOld.waitForEnd(), "clean");
  await assertRejects(() => open("old"), /^401 /);

  await Deno.remove(file);
  server.signal("SIGHUP");
  await server.log.waitFor(/ error token keys not reread, the old ones stay .* no such file\."$/m);
  await server.emit({ userId: "alex", channel: "chat", data: "1" });
  assertEquals((await ofNew.next()).data, "1");
  assertOnlyLogLines(server);
});

Deno.test("SIGHUP does not end a server that has nothing to read anew, nor one that is draining", async () => {
  await using server = await startServer(["-control-key", "k"], { controlKey: "k" });
  const token = await server.token({ userId: "alex", channel: "chat" });
  await using stream = await openStream(server.eventsUrl, { token });
  server.signal("SIGHUP");
  server.signal("SIGHUP");
  await server.log.waitFor(/ info nothing to reread, /);
  await server.emit({ userId: "alex", channel: "chat", data: "1" });
  assertEquals((await stream.next()).data, "1");
  server.signal("SIGTERM");
  server.signal("SIGHUP");
  assertEquals((await server.exited).code, 0);
  assertEquals(await stream.waitForEnd(), "clean");
  assertOnlyLogLines(server);
});
