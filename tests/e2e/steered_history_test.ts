/** Removing history and backing it up, as an operator does it, with one worker and with several. */
import { assert, assertEquals, assertMatch } from "../support/assert.ts";
import { startServer } from "../support/server.ts";
import { openStream } from "../support/sse_client.ts";
import { TempDir } from "../support/temp_dir.ts";
import { waitFor } from "../support/wait.ts";

/** More streams than one worker gets, but for one time in millions. */
const STREAMS = 12;

for (const workers of ["1", "3"]) {
  Deno.test(`once the answer is there, removed history comes from no worker (${workers} workers)`, async () => {
    await using dir = await TempDir.make();
    const file = dir.join("store.db");
    const flags = ["-workers", workers, "-store", `sqlite:${file}`, "-control-key", "k"];
    await using server = await startServer(flags, { controlKey: "k" });
    const token = await server.token({ userId: "alex", channel: "chat" });
    await using live = await openStream(server.eventsUrl, { token });
    const { id: lastEventId } = await server.emit({ userId: "*", channel: "chat", data: "first" });
    await server.emit({ userId: "alex", channel: "chat", data: "for alex" });
    await server.emit({ userId: "*", channel: "chat", data: "for all" });
    const answer = await server.control("/users/alex/history", { method: "DELETE" });
    assertEquals([answer.status, await answer.json()], [200, { user: "alex", removed: 1 }]);
    for (const name of [file, `${file}-wal`]) {
      const text = new TextDecoder("latin1").decode(await Deno.readFile(name));
      assert(!text.includes("for alex"), `${name} has no byte of it`);
    }
    for (let n = 0; n < STREAMS; n++) {
      await using stream = await openStream(server.eventsUrl, { token, lastEventId });
      await waitFor("the replay", () => stream.events.some(({ data }) => data === "for all"));
      assertEquals(stream.events.map(({ event }) => event), ["gap", "message"]);
    }
    const { subscribers } = await server.emit({ userId: "*", channel: "chat", data: "after" });
    assert(subscribers >= 1, "the live stream");
    await waitFor("the next event", () => live.events.some(({ data }) => data === "after"));
    const all = ["first", "for alex", "for all", "after"];
    assertEquals(live.events.map(({ data }) => data), all, "the live stream goes on");
    await waitFor(
      "its line in the log",
      () => / info history removed user=alex events=1 key=-control-key$/m.test(server.log.text),
    );
  });
}

Deno.test("a server goes on from a backup, and its clients resume there", async () => {
  await using dir = await TempDir.make();
  const flags = (file: string) => ["-store", `sqlite:${dir.join(file)}`, "-backup-dir", dir.path];
  const event = { userId: "alex", channel: "chat" };
  let lastEventId = "";
  {
    await using server = await startServer(flags("store.db"));
    lastEventId = (await server.emit({ ...event, data: "first" })).id;
    await server.emit({ ...event, data: "second" });
    const body = new URLSearchParams({ file: "backup.db" });
    const answer = await server.control("/backup/", { method: "POST", body });
    const { size } = await Deno.stat(dir.join("backup.db"));
    assertEquals(await answer.json(), { file: "backup.db", bytes: size, events: 2 });
    await waitFor(
      "its line in the log",
      () => / info backup written file=backup\.db bytes=\d+ seconds=[\d.]+$/m.test(server.log.text),
    );
    await server.emit({ ...event, data: "not in the backup" });
  }
  await using server = await startServer(flags("backup.db"));
  const token = await server.token(event);
  await using stream = await openStream(server.eventsUrl, { token, lastEventId });
  await server.emit({ ...event, data: "third" });
  await waitFor("the event", () => stream.events.some(({ data }) => data === "third"));
  assertEquals(stream.events.map(({ data }) => data), ["second", "third"]);
});

Deno.test("a folder for backups that is not there ends the start in one line", async () => {
  await using dir = await TempDir.make();
  const path = dir.join("missing");
  const error = await startServer(["-backup-dir", path]).then(
    () => "it started",
    (error) => String(error),
  );
  assertMatch(
    error,
    new RegExp(`Cannot write into the backup folder ${path}: there is no such folder\\.`),
  );
});
