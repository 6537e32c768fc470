import { StoreUnavailable } from "../../../src/lib/errors.ts";
import { assert, assertEquals, assertMatch } from "../../support/assert.ts";
import { controlKeys } from "../../support/control_keys.ts";
import { Listeners } from "../../support/listeners.ts";
import { PassingBroker } from "../../support/store/passing_broker.ts";

function remove(listeners: Listeners, path: string, key = "boss-KEY"): Promise<Response> {
  const headers = { Authorization: `Bearer ${key}` };
  return listeners.control(path, { method: "DELETE", headers });
}

function emit(listeners: Listeners, channel: string, userId: string): Promise<Response> {
  return listeners.post("/emit/", { channel, userId, data: "x" });
}

Deno.test("the answer says whose history was removed, and how many events that were", async () => {
  using listeners = await Listeners.make();
  for (const userId of ["alex", "*", "alex"]) await emit(listeners, "chat/1 ü", userId);
  await emit(listeners, "other", "alex");
  const first = await remove(listeners, "/users/alex/history");
  assertEquals([first.status, await first.json()], [200, { user: "alex", removed: 3 }]);
  const path = `/channels/${encodeURIComponent("chat/1 ü")}/history`;
  assertEquals(await (await remove(listeners, path)).json(), { channel: "chat/1 ü", removed: 1 });
  assertEquals(await (await remove(listeners, path)).json(), { channel: "chat/1 ü", removed: 0 });
});

Deno.test("the log says what was removed, and by which key", async () => {
  using listeners = await Listeners.make();
  await emit(listeners, "chat", "alex");
  await remove(listeners, "/users/alex/history");
  await remove(listeners, "/channels/chat/history");
  const lines = listeners.logLines.filter((line) => line.includes("history removed"));
  assertEquals(lines.map((line) => line.slice(line.indexOf(" "))), [
    " info history removed user=alex events=1",
    " info history removed channel=chat events=0",
  ]);
  using keyed = await Listeners.make({
    guard: { keys: controlKeys("boss", "boss-KEY", ["steer"]) },
  });
  await remove(keyed, "/channels/chat/history");
  assert(
    keyed.logLines.some((line) => line.endsWith("history removed channel=chat events=0 key=boss")),
    keyed.logLines.join("\n"),
  );
});

Deno.test("a key without the right to steer removes nothing, and backs up nothing", async () => {
  const keys = controlKeys("reader", "reader-KEY", ["read", "emit:*"]);
  using listeners = await Listeners.make({ guard: { keys } });
  for (const path of ["/channels/chat/history", "/users/alex/history"]) {
    assertEquals((await remove(listeners, path, "reader-KEY")).status, 403, path);
  }
  const headers = { Authorization: "Bearer reader-KEY" };
  assertEquals((await listeners.control("/backup/", { method: "POST", headers })).status, 403);
  assertEquals(listeners.logLines.filter((line) => line.includes("history removed")), []);
});

Deno.test("what cannot be removed is named", async () => {
  using listeners = await Listeners.make();
  const refused: Readonly<Record<string, RegExp>> = {
    "/users/*/history": /^Bad user \*: it stands for everyone\./,
    [`/channels/${"x".repeat(257)}/history`]: /^Bad field channel: it must be 1 to 256/,
    "/users/a%00b/history": /^Bad field user: it must be 1 to 256/,
    "/channels/chat/history?before=1": /^Bad field before: removing history takes no fields/,
  };
  for (const [path, reason] of Object.entries(refused)) {
    const response = await remove(listeners, path);
    assertEquals(response.status, 400, path);
    assertMatch(await response.text(), reason);
  }
  const get = await listeners.control("/channels/chat/history");
  assertEquals([get.status, get.headers.get("Allow")], [405, "DELETE"]);
});

Deno.test("while the store is away the answer is 503", async () => {
  using listeners = await Listeners.make({
    wrapBroker: (broker) =>
      Object.assign(new PassingBroker(broker), {
        removeHistory: () =>
          Promise.reject(new StoreUnavailable("Cannot remove history: no Redis.")),
      }),
  });
  const response = await remove(listeners, "/users/alex/history");
  assertEquals([response.status, response.headers.get("Retry-After")], [503, "1"]);
  assertEquals(await response.text(), "Cannot remove history: no Redis.\n");
});
