import type { Outcome, Publication } from "../../../src/broker/broker.ts";
import { StoreUnavailable } from "../../../src/lib/errors.ts";
import { assert, assertEquals, assertMatch } from "../../support/assert.ts";
import { controlKeys } from "../../support/control_keys.ts";
import { Listeners, type ListenersOptions, OpenBody } from "../../support/listeners.ts";
import { PassingBroker } from "../../support/store/passing_broker.ts";

interface Answer {
  readonly line: number;
  readonly id?: string;
  readonly subscribers?: number;
  readonly error?: string;
  readonly status?: number;
}

function line(data: string, more: Readonly<Record<string, unknown>> = {}): string {
  return JSON.stringify({ userId: "*", channel: "chat", data, ...more });
}

function answersOf(text: string): Answer[] {
  assert(text === "" || text.endsWith("\n"), "every answer is a whole line");
  return text.split("\n").slice(0, -1).map((answer) => JSON.parse(answer));
}

function send(
  listeners: Listeners,
  body: BodyInit,
  headers: Readonly<Record<string, string>> = {},
): Promise<Response> {
  return listeners.control("/emit/", {
    method: "POST",
    body,
    headers: { "Content-Type": "application/x-ndjson", ...headers },
  });
}

/** Sends a body in chunks, one after the other, and returns all answers. */
async function publish(listeners: Listeners, ...chunks: readonly (string | Uint8Array)[]) {
  const encoder = new TextEncoder();
  const body = ReadableStream.from(
    chunks.map((chunk) => typeof chunk === "string" ? encoder.encode(chunk) : chunk),
  );
  return answersOf(await new OpenBody(await send(listeners, body)).toEnd());
}

/** What a client hears while something is published. */
async function heardWhile(
  options: ListenersOptions,
  action: (listeners: Listeners) => Promise<unknown>,
): Promise<readonly (string | undefined)[]> {
  using listeners = await Listeners.make(options);
  await using stream = await listeners.open();
  await action(listeners);
  await listeners.post("/emit/", { userId: "*", channel: "chat", data: "the end" });
  await stream.until(/data: the end\nid: .*\n\n$/);
  return [...stream.text.matchAll(/^data: (.*)$/gm)].map((match) => match[1]).slice(0, -1);
}

Deno.test("each line is published and answered by its number, with id and count", async () => {
  using listeners = await Listeners.make();
  await using stream = await listeners.open();
  const response = await send(listeners, `${line("1")}\n${line("2")}\n`);
  assertEquals(response.status, 200);
  assertEquals(response.headers.get("Content-Type"), "application/x-ndjson");
  const answers = answersOf(await new OpenBody(response).toEnd());
  assertEquals(answers.map((answer) => answer.line), [1, 2]);
  assertEquals(answers.map((answer) => answer.subscribers), [1, 1]);
  await stream.until(/data: 2\nid: .*\n\n$/);
  const ids = [...stream.text.matchAll(/^data: .*\nid: (.*)$/gm)].map((match) => match[1]);
  assertEquals(answers.map((answer) => answer.id), ids);
});

Deno.test("the content type may have any case and parameters", async () => {
  using listeners = await Listeners.make();
  const type = "Application/X-NDJSON; charset=utf-8";
  const response = await send(listeners, line("1"), { "Content-Type": type });
  assertEquals(answersOf(await new OpenBody(response).toEnd()).length, 1);
});

Deno.test("a bad line is answered by its number with the reason, and those around it are published", async () => {
  const bad = [
    "not json",
    "[1]",
    JSON.stringify({ channel: "chat", data: "1" }),
    line("1", { payload: "data: 2" }),
    line("1", { event: "a\nb" }),
    line("1", { idempotencyKey: "" }),
  ];
  const heard = await heardWhile({}, async (listeners) => {
    const lines = [line("first"), ...bad, line("last")];
    const answers = await publish(listeners, lines.join("\n"));
    assertEquals(answers.map((answer) => answer.line), [1, 2, 3, 4, 5, 6, 7, 8]);
    assert(answers[0]?.id !== undefined && answers.at(-1)?.id !== undefined);
    const errors = answers.slice(1, -1);
    for (const answer of errors) assertEquals(Object.keys(answer), ["line", "error", "status"]);
    assertEquals(errors.map(({ status }) => status), errors.map(() => 400));
    const named = [/JSON/, /JSON object/, /userId/, /payload/, /event/, /idempotency/i];
    errors.forEach(({ error = "" }, index) => assertMatch(error, named[index] ?? /never/));
  });
  assertEquals(heard, ["first", "last"]);
});

Deno.test("empty lines are counted but not answered, and lines may end in CRLF", async () => {
  using listeners = await Listeners.make();
  const answers = await publish(listeners, `\n${line("1")}\r\n\r\n  \n${line("2")}\r\n\n`);
  assertEquals(answers.map((answer) => answer.line), [2, 5]);
});

Deno.test("the last line needs no line end, and an empty body no lines", async () => {
  using listeners = await Listeners.make();
  assertEquals((await publish(listeners, `${line("1")}\n${line("2")}`)).length, 2);
  assertEquals(await publish(listeners, ""), []);
  assertEquals(await publish(listeners), []);
  const bodyless = await listeners.control("/emit/", {
    method: "POST",
    headers: { "Content-Type": "application/x-ndjson" },
  });
  assertEquals([bodyless.status, await bodyless.text()], [200, ""]);
});

Deno.test("a line may come in pieces of any size, cut also within a character", async () => {
  const bytes = new TextEncoder().encode(`${line("é✓𝄞 one")}\n${line("zwei ✓")}\n`);
  for (const size of [1, 2, 3, 7, bytes.length]) {
    const chunks: Uint8Array[] = [];
    for (let at = 0; at < bytes.length; at += size) chunks.push(bytes.subarray(at, at + size));
    const heard = await heardWhile({}, (listeners) => publish(listeners, ...chunks));
    assertEquals(heard, ["é✓𝄞 one", "zwei ✓"], `${size} bytes at a time`);
  }
});

Deno.test("many lines come out in order, each answered once, however they were cut into chunks", async () => {
  const count = 5000;
  const lines = Array.from({ length: count }, (_, index) => line(String(index)));
  const text = lines.join("\n");
  const chunks = text.match(/[^]{1,9973}/g) ?? [];
  const heard = await heardWhile({}, async (listeners) => {
    const answers = await publish(listeners, ...chunks);
    assertEquals(answers.map((answer) => answer.line), lines.map((_, index) => index + 1));
    const ids = answers.map((answer) => answer.id ?? "");
    assertEquals(ids.toSorted(), ids);
    assertEquals(new Set(ids).size, count);
  });
  assertEquals(heard, lines.map((_, index) => String(index)));
});

Deno.test("a line that is too long is answered as such, and the lines after it are published", async () => {
  const maxPayloadBytes = 100;
  // Also one that never comes in one piece, of which no more than the limit may be kept.
  const endless = ["x".repeat(50_000), "x".repeat(50_000), "x".repeat(50_000)];
  const heard = await heardWhile({ maxPayloadBytes }, async (listeners) => {
    const answers = await publish(
      listeners,
      `${line("é".repeat(50))}\n${line("é".repeat(51))}\n`,
      ...endless,
      `\n${line("last")}`,
    );
    assertEquals(answers.map((answer) => answer.line), [1, 2, 3, 4]);
    assertMatch(answers[1]?.error ?? "", /^Field data is too large: more than 100 bytes/);
    assertMatch(answers[2]?.error ?? "", /^Line too large/);
  });
  assertEquals(heard, ["é".repeat(50), "last"]);
});

Deno.test("a line that would take long to parse is refused, and those around it are published", async () => {
  const deep = `{"userId":"*","channel":"chat","data":${"[".repeat(1_000_000)}`;
  const heard = await heardWhile({}, async (listeners) => {
    const answers = await publish(listeners, `${line("first")}\n`, deep, `\n${line("last")}`);
    assertEquals(answers.map(({ status }) => status), [undefined, 400, undefined]);
    // It is not well-formed either, which nobody found out.
    assertMatch(answers[1]?.error ?? "", /nested more than 512 deep/);
  });
  assertEquals(heard, ["first", "last"]);
});

Deno.test("past the room for unfinished lines a line is answered 503, and those after it are published", async () => {
  const heard = await heardWhile({ maxUnfinishedBytes: 300_000 }, async (listeners) => {
    const long = line("x".repeat(400_000));
    const cut = [long.slice(0, 200_000), long.slice(200_000)];
    const answers = await publish(listeners, ...cut, `\n${line("last")}`);
    assertEquals(answers.map(({ status }) => status), [503, undefined]);
    assertMatch(answers[0]?.error ?? "", /^Server busy: .* 300000 bytes .*\.$/);
  });
  assertEquals(heard, ["last"]);
});

Deno.test("each line is answered while the request is still open", async () => {
  using listeners = await Listeners.make();
  await using stream = await listeners.open();
  const { readable, writable } = new TransformStream<Uint8Array, Uint8Array>();
  const writer = writable.getWriter();
  const encoder = new TextEncoder();
  await using answers = new OpenBody(await send(listeners, readable));
  for (const data of ["1", "2", "3"]) {
    await writer.write(encoder.encode(`${line(data)}\n`));
    await answers.until(new RegExp(`\\{"line":${data},"id":"[^"]+","subscribers":1\\}\n$`));
    await stream.until(new RegExp(`data: ${data}\nid: .*\n\n$`));
  }
  await writer.close();
  assertEquals(answersOf(await answers.toEnd()).length, 3);
});

Deno.test("a publisher that breaks off has published its whole lines, and not the last without its end", async () => {
  using listeners = await Listeners.make();
  await using stream = await listeners.open();
  const { readable, writable } = new TransformStream<Uint8Array, Uint8Array>();
  const writer = writable.getWriter();
  const response = await send(listeners, readable);
  const reading = response.text().catch((error: Error) => error.message);
  await writer.write(new TextEncoder().encode(`${line("1")}\n${line("2")}`));
  await stream.until(/data: 1\nid: .*\n\n$/);
  await writer.abort(new Error("connection lost"));
  await reading;
  await listeners.post("/emit/", { userId: "*", channel: "chat", data: "3" });
  await stream.until(/data: 3\nid: .*\n\n$/);
  assertEquals(stream.text.includes("data: 2"), false);
  assertEquals(listeners.logLines.filter((logged) => / error /.test(logged)), []);
});

Deno.test("lines with the same idempotency key are published once, also within one chunk", async () => {
  const heard = await heardWhile({}, async (listeners) => {
    const keyed = line("1", { idempotencyKey: "k" });
    const [first, again, other, later] = await publish(
      listeners,
      `${keyed}\n${keyed}\n${line("2", { idempotencyKey: "k" })}\n`,
      keyed,
    );
    assertEquals({ ...again, line: 1 }, first);
    assertMatch(other?.error ?? "", /^Idempotency key refused/);
    assertEquals({ ...later, line: 1 }, first);
  });
  assertEquals(heard, ["1"]);
});

Deno.test("the header for one idempotency key is refused, because it cannot be for many lines", async () => {
  using listeners = await Listeners.make();
  const response = await send(listeners, line("1"), { "Idempotency-Key": "k" });
  assertEquals(response.status, 400);
  assertMatch(await response.text(), /^Bad header Idempotency-Key: .*each line/);
});

Deno.test("lines do not get past the guard", async () => {
  using listeners = await Listeners.make({ guard: { keys: controlKeys("k") } });
  assertEquals((await send(listeners, line("1"))).status, 401);
  assertEquals((await send(listeners, line("1"), { Origin: "null" })).status, 403);
});

/** Answers to two lines, and the log's errors, where publishing goes as given. */
async function publishFailing(publishAll: (all: readonly Publication[]) => readonly Outcome[]) {
  using listeners = await Listeners.make({
    wrapBroker: (broker) =>
      Object.assign(new PassingBroker(broker), {
        publish: (all: readonly Publication[]) => Promise.resolve(publishAll(all)),
      }),
  });
  const answers = await publish(listeners, `${line("1")}\n${line("2")}\n`);
  return { answers, errors: listeners.logLines.filter((logged) => / (warn|error) /.test(logged)) };
}

Deno.test("while the store cannot keep events each line is told so, and to log it is the store's", async () => {
  const { answers, errors } = await publishFailing((all) =>
    all.map(() => new StoreUnavailable("Store unavailable: disk full."))
  );
  const error = "Store unavailable: disk full.";
  assertEquals(answers, [{ line: 1, error, status: 503 }, { line: 2, error, status: 503 }]);
  assertEquals(errors, []);
});

Deno.test("a failure that nobody foresaw is told without its details, which the log has once", async () => {
  const { answers, errors } = await publishFailing(() => {
    throw new TypeError("inner secret workings");
  });
  const error = "Internal error: see the server's log.";
  assertEquals(answers, [{ line: 1, error, status: 500 }, { line: 2, error, status: 500 }]);
  assertEquals(errors.length, 1);
  assertMatch(errors[0] ?? "", /request failed error="TypeError: inner secret workings"$/);
});
