/**
 * The limit on emits of a key: what is refused, and what does not count.
 *
 * @module
 */
import { assertEquals, assertMatch } from "../../support/assert.ts";
import { controlKeys } from "../../support/control_keys.ts";
import { Listeners } from "../../support/listeners.ts";
import { withDeadline } from "../../support/wait.ts";

const NDJSON = { "Content-Type": "application/x-ndjson" };

function event(more: Readonly<Record<string, string>> = {}): URLSearchParams {
  return new URLSearchParams({ userId: "*", channel: "chat", data: "x", ...more });
}

async function emit(
  listeners: Listeners,
  body: BodyInit = event(),
  headers: Readonly<Record<string, string>> = {},
): Promise<number> {
  const response = await listeners.control("/emit/", { method: "POST", body, headers });
  await response.text();
  return response.status;
}

function lines(count: number): string {
  const line = JSON.stringify({ userId: "*", channel: "chat", data: "x" }) + "\n";
  return line.repeat(count);
}

Deno.test("an emit past the limit is refused with when to try again, before its body is read", async () => {
  using listeners = await Listeners.make({ maxEmitsPerSecond: 2 });
  await using stream = await listeners.open();
  assertEquals([await emit(listeners), await emit(listeners)], [200, 200]);
  const endless = new ReadableStream({ pull: () => new Promise(() => {}) });
  const refused = await withDeadline(
    "an answer",
    listeners.control("/emit/", { method: "POST", body: endless }),
  );
  assertEquals([refused.status, refused.headers.get("Retry-After"), await refused.text()], [
    429,
    "1",
    "Too many emits: more than 2 a second (-max-emits-per-second). " +
    "Nothing was published; try again in a second.\n",
  ]);
  listeners.clock.advance(1000);
  assertEquals(await emit(listeners, event({ data: "later" })), 200);
  await stream.until(/data: later\n/);
  assertEquals(stream.text.match(/^data: /gm)?.length, 3);
});

Deno.test("a key cannot use up the room of another, and keeps its own when the keys are read again", async () => {
  const keys = (shop: string) => [...controlKeys("shop", shop), ...controlKeys("office")];
  using listeners = await Listeners.make({ maxEmitsPerSecond: 1, guard: { keys: keys("old") } });
  const as = (key: string) => emit(listeners, event(), { Authorization: `Bearer ${key}` });
  assertEquals([await as("old"), await as("old"), await as("office")], [200, 429, 200]);
  listeners.access.useKeys(keys("new"));
  assertEquals([await as("old"), await as("new"), await as("office")], [401, 429, 429]);
});

Deno.test("what is wrong does not count, a repeat does", async () => {
  using listeners = await Listeners.make({ maxEmitsPerSecond: 2 });
  for (let n = 0; n < 5; n++) assertEquals(await emit(listeners, event({ channel: "" })), 400);
  const keyed = event({ idempotencyKey: "k" });
  assertEquals([await emit(listeners, keyed), await emit(listeners, keyed)], [200, 200]);
  assertEquals(await emit(listeners, keyed), 429);
});

Deno.test("a payload of several events counts as so many", async () => {
  using listeners = await Listeners.make({ maxEmitsPerSecond: 2 });
  const three = new URLSearchParams({
    userId: "*",
    channel: "chat",
    payload: "data: 1\n\ndata: 2\n\ndata: 3\n\ndata: 4\n\n",
  });
  assertEquals([await emit(listeners, three), await emit(listeners)], [200, 429]);
  listeners.clock.advance(1000);
  assertEquals(await emit(listeners), 429);
  listeners.clock.advance(500);
  assertEquals(await emit(listeners), 200);
});

Deno.test("a line of NDJSON past the limit is refused with when to send it again, and holds up none", async () => {
  using listeners = await Listeners.make({ maxEmitsPerSecond: 10 });
  const send = async (body: string) => {
    const response = await listeners.control("/emit/", { method: "POST", body, headers: NDJSON });
    return (await response.text()).trim().split("\n").map((line) => JSON.parse(line));
  };
  const told = await send(`${lines(6)}no json\n${lines(5)}`);
  assertEquals(told.map(({ line, status }) => [line, status ?? 200]), [
    ...[1, 2, 3, 4, 5, 6].map((line) => [line, 200]),
    [7, 400],
    ...[8, 9, 10, 11].map((line) => [line, 200]),
    [12, 429],
  ]);
  assertEquals(told[11], {
    line: 12,
    error: "Too many emits: more than 10 a second (-max-emits-per-second). " +
      "Nothing was published; try again in a second.",
    status: 429,
    retryAfterSeconds: 1,
  });
  assertEquals(await emit(listeners), 429);
  listeners.clock.advance(100);
  assertEquals((await send(lines(2))).map(({ status }) => status ?? 200), [200, 429]);
});

Deno.test("an explanation names the key that was over the limit once, however often it tried", async () => {
  const guard = { keys: [...controlKeys("shop"), ...controlKeys("office")] };
  using listeners = await Listeners.make({ maxEmitsPerSecond: 1, guard });
  const as = (key: string, body = event()) =>
    emit(listeners, body, { Authorization: `Bearer ${key}` });
  await as("office", event({ channel: "chat", event: "a\nb" }));
  listeners.clock.advance(1);
  for (let n = 0; n < 100; n++) await as("shop");
  listeners.clock.advance(1);
  const explained = await listeners.control("/explain/?userId=alex&channel=chat&id=order-7", {
    headers: { Authorization: "Bearer office" },
  });
  const { refusedEmits, text } = await explained.json();
  assertEquals(
    refusedEmits.map(({ key, status, count }: Record<string, unknown>) => [key, status, count]),
    [["office", 400, 1], ["shop", 429, 99]],
  );
  assertMatch(
    text,
    /^From \S+ to \S+, 99 emits with the key shop were refused \(429\): Too many emits: more than 1 a second with this control key \(-max-emits-per-second\)\.$/m,
  );
});
