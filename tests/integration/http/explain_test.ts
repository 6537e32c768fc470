/**
 * `GET /explain/`: every case has an answer of its own, in plain words and in JSON.
 *
 * @module
 */
import { assert, assertEquals, assertMatch } from "../../support/assert.ts";
import { makeToken } from "../../support/jwt.ts";
import { Listeners, OpenBody } from "../../support/listeners.ts";

interface Explained {
  readonly verdict: string;
  readonly verdictIfForUser?: string;
  readonly text: string;
  readonly event: Readonly<Record<string, unknown>> | null;
  readonly streams: readonly Readonly<Record<string, unknown>>[];
  readonly refusals: readonly Readonly<Record<string, unknown>>[];
  readonly refusedEmits: readonly Readonly<Record<string, unknown>>[];
  readonly recordBegins: string;
}

async function emit(listeners: Listeners, fields: Record<string, string> = {}): Promise<string> {
  listeners.clock.advance(1);
  const response = await listeners.control("/emit/", {
    method: "POST",
    headers: { Accept: "application/json" },
    body: new URLSearchParams({ userId: "alex", channel: "chat", payload: "data: hi", ...fields }),
  });
  const { id } = await response.json() as { id?: string };
  return id ?? "";
}

async function explain(listeners: Listeners, query: Record<string, string>): Promise<Explained> {
  const fields = new URLSearchParams({ userId: "alex", channel: "chat", ...query });
  const response = await listeners.control(`/explain/?${fields}`);
  const text = await response.text();
  assertEquals(response.status, 200, text);
  return JSON.parse(text) as Explained;
}

/** Opens a stream that comes with a last event id. */
async function resume(listeners: Listeners, lastEventId: string): Promise<OpenBody> {
  const headers = {
    Authorization: `Bearer ${listeners.token()}`,
    "Last-Event-ID": lastEventId,
  };
  return new OpenBody(await listeners.client("/events/", { headers }));
}

async function leave(body: OpenBody): Promise<void> {
  await body[Symbol.asyncDispose]();
}

Deno.test("an event that was handed over, and one that came from history", async () => {
  using listeners = await Listeners.make();
  await using stream = await listeners.open();
  const id = await emit(listeners);
  await stream.until(/data: hi/);
  const explained = await explain(listeners, { id });
  assertEquals(explained.verdict, "handed over");
  assertMatch(
    explained.text,
    /^The event \S+ was published at 2026-11-22T07:30:00.001Z for alex on chat, and is \d+ bytes long\.\nIt was handed over to a connection of alex\. Whether it was read there, a server cannot tell\.\nStream \S+ from 10.1.2.3 was handed the event at about 2026-11-22T07:30:00.001Z\. It is still open\./,
  );
  assert(!/deliver/i.test(explained.text));
  assertEquals(explained.event?.userId, "alex");
  assertEquals(explained.streams[0]?.handedOverAbout, "2026-11-22T07:30:00.001Z");

  const missed = await emit(listeners, { userId: "*" });
  listeners.clock.advance(5000);
  await using other = await resume(listeners, id);
  await other.until(/data: hi/);
  const both = await explain(listeners, { id: missed });
  assertEquals(both.verdict, "handed over");
  assertEquals(both.streams.map(({ outcome }) => outcome), ["handed over", "replayed"]);
  assertMatch(
    both.text,
    /came at 2026-11-22T07:30:05.002Z with the last event id \S+ and had the event replayed/,
  );
  const first = await explain(listeners, { id });
  assertEquals(first.streams.map(({ outcome }) => outcome), ["handed over", "already had"]);
});

Deno.test("nobody was there: when and why the last stream ended", async () => {
  using listeners = await Listeners.make();
  await leave(await listeners.open());
  listeners.clock.advance(120_000);
  const id = await emit(listeners);
  const explained = await explain(listeners, { id });
  assertEquals(explained.verdict, "not connected");
  assertMatch(
    explained.text,
    /alex had no stream then\.\nStream \S+ from 10.1.2.3 had ended at 2026-11-22T07:30:00.000Z, because the client, or a proxy on the way, closed the connection, 2 min before the event\./,
  );
  assertMatch(
    explained.text,
    /alex gets it by coming back with a last event id while it is retained/,
  );
  assertEquals(explained.streams[0]?.ending, "client left");
});

Deno.test("came back without a last event id, so it skipped the event, and how to mend that", async () => {
  using listeners = await Listeners.make();
  await leave(await listeners.open());
  const id = await emit(listeners);
  listeners.clock.advance(3000);
  await using _stream = await listeners.open();
  const explained = await explain(listeners, { id });
  assertEquals(explained.verdict, "skipped");
  assertMatch(
    explained.text,
    /without a last event id, so it began at the newest event and skipped this one/,
  );
  assertMatch(explained.text, /Last-Event-ID or as \?lastEventId=/);
});

Deno.test("connected, but on other channels", async () => {
  using listeners = await Listeners.make();
  await using _stream = await listeners.open({ channel: ["news", "sport"] });
  const explained = await explain(listeners, { id: await emit(listeners) });
  assertEquals(explained.verdict, "channel not heard");
  assertMatch(explained.text, /was open, but hears news, sport, not chat\./);
  assertMatch(explained.text, /name the channel in the token/);
});

Deno.test("tried and was refused: why, and whether the user is known or only claimed", async () => {
  using listeners = await Listeners.make({ maxConnections: 1 });
  const ask = async (token: string, query = "") => {
    const headers = { Authorization: `Bearer ${token}` };
    return await (await listeners.client(`/events/${query}`, { headers })).body?.cancel();
  };
  await ask(listeners.token({ exp: listeners.clock.seconds - 1 }));
  await ask(listeners.token({ exp: listeners.clock.seconds - 1 }));
  const id = await emit(listeners);
  const expired = await explain(listeners, { id });
  assertEquals(expired.verdict, "refused");
  assertMatch(
    expired.text,
    /2 requests for a stream by alex from 10.1.2.3 were refused: Token refused: it has expired\./,
  );
  assertMatch(expired.text, /Give the client a new token/);
  assertEquals(expired.refusals[0]?.why, "expired");
  assertEquals([expired.refusals[0]?.verified, expired.refusals[0]?.count], [true, 2]);

  await ask(makeToken({ userId: "alex", channel: "chat" }, { secret: "not the server's" }));
  await ask(listeners.token(), "?channel=secret");
  await using _other = await listeners.open({ userId: "bob" });
  await ask(listeners.token());
  const { text, refusals } = await explain(listeners, { id });
  assertEquals(refusals.map(({ why, verified }) => [why, verified]).toSorted(), [
    ["channel not granted", true],
    ["expired", true],
    ["over the limit", true],
    ["signature", false],
  ]);
  assertMatch(
    text,
    /a request for a stream whose token claims to be for alex from 10.1.2.3 was refused: Token refused: its signature does not match/,
  );
  assertMatch(
    text,
    /by alex from 10.1.2.3 was refused: Channel refused: the token does not grant "secret"/,
  );
  assert(!text.includes("eyJ"), "a token is in the text");
});

Deno.test("requests without a token may have been the user's", async () => {
  using listeners = await Listeners.make();
  await (await listeners.client("/events/")).body?.cancel();
  const explained = await explain(listeners, { id: await emit(listeners) });
  assertEquals(explained.verdict, "not connected");
  assertMatch(
    explained.text,
    /a request for a stream by an unknown user from 10.1.2.3 was refused: Token missing\. It may have been alex\./,
  );
  assertEquals(explained.refusals[0]?.user, null);
});

Deno.test("a refusal before the last stream says nothing of the event", async () => {
  using listeners = await Listeners.make();
  const headers = { Authorization: `Bearer ${listeners.token({ exp: 1 })}` };
  await (await listeners.client("/events/", { headers })).body?.cancel();
  listeners.clock.advance(1000);
  await leave(await listeners.open());
  const { verdict, refusals } = await explain(listeners, { id: await emit(listeners) });
  assertEquals([verdict, refusals], ["not connected", []]);
});

Deno.test("connected and behind, with so many bytes unsent", async () => {
  using listeners = await Listeners.make();
  await using _slow = await listeners.open();
  for (let n = 0; n < 3; n++) await emit(listeners, { payload: `data: ${"x".repeat(500_000)}` });
  const explained = await explain(listeners, { id: await emit(listeners) });
  assertEquals(explained.verdict, "behind");
  assertMatch(
    explained.text,
    /is behind: it has not come to the event yet, and \d{6,} bytes wait for the client/,
  );
  assert(Number(explained.streams[0]?.unsentBytes) > 400_000);
});

Deno.test("the connection broke with bytes unsent: it may not have arrived", async () => {
  using listeners = await Listeners.make();
  const stream = await listeners.open();
  const id = await emit(listeners, { payload: `data: ${"x".repeat(200_000)}` });
  await leave(stream);
  const explained = await explain(listeners, { id });
  assertEquals(explained.verdict, "may not have arrived");
  assertMatch(explained.text, /with up to 2\d{5} bytes unsent: the event may not have arrived/);
});

Deno.test("retained no longer: told of a gap, or handed over in its time", async () => {
  using listeners = await Listeners.make();
  const first = await emit(listeners);
  const gone = await emit(listeners);
  listeners.clock.advance(700_000);
  await emit(listeners);
  await using late = await resume(listeners, first);
  await late.until(/event: gap/);
  const explained = await explain(listeners, { id: gone });
  assertEquals([explained.verdict, explained.verdictIfForUser], ["retained no longer", "gap told"]);
  assertMatch(explained.text, /is retained no longer .* If it was for alex on chat:/);
  assertMatch(
    explained.text,
    /too late: the event was retained no longer\. Its client was told so by an event of type gap/,
  );
  assertEquals(explained.event, { id: gone, time: "2026-11-22T07:30:00.002Z", retained: false });
});

Deno.test("for another user, for another channel", async () => {
  using listeners = await Listeners.make();
  const forBob = await explain(listeners, { id: await emit(listeners, { userId: "bob" }) });
  assertEquals(forBob.verdict, "for another user");
  assertMatch(forBob.text, /for bob on chat, .*So it was for another user than alex\./);
  const onNews = await explain(listeners, { id: await emit(listeners, { channel: "news" }) });
  assertEquals(onNews.verdict, "for another channel");
  assertMatch(onNews.text, /So it was for another channel than chat\./);
  const shared = await explain(listeners, { id: await emit(listeners, { userId: "*" }) });
  assertEquals([shared.verdict, shared.event?.userId], ["not connected", "*"]);
});

Deno.test("no such event: what was refused about that time, and why", async () => {
  using listeners = await Listeners.make();
  const id = await emit(listeners);
  const [seq, epoch] = id.split("-");
  await listeners.post("/emit/", { userId: "alex", chanel: "chat", payload: "data: secret" });
  await listeners.post("/emit/", { userId: "alex", channel: "chat" });
  await listeners.post("/emit/", { userId: "alex", channel: "news" });
  await listeners.control("/emit/", {
    method: "POST",
    headers: { "Content-Type": "application/x-ndjson" },
    body: '{"userId":"alex","channel":"chat","event":"x"}\n',
  }).then((response) => response.text());
  await listeners.control("/emit/", { method: "PUT" });
  const between = await explain(listeners, { id: `${Number(seq) - 1}-${epoch}` });
  assertEquals(between.verdict, "no such event");
  assertMatch(
    between.text,
    /There was no event \S+ on chat: nothing of that time has been dropped/,
  );
  assertEquals(between.refusedEmits.map(({ status, channel }) => [status, channel]), [
    [400, null],
    [400, "chat"],
    [400, "chat"],
    [405, null],
  ]);
  assertMatch(
    between.text,
    /At \S+, an emit for alex on chat was refused \(400\): Missing field payload/,
  );
  assert(!between.text.includes("secret"));
  const future = await explain(listeners, { id: `${Number(seq) + 1e6}-${epoch}` });
  assertMatch(future.text, /There is no event \S+: the newest is/);
  const own = await explain(listeners, { id: "order-7" });
  assertEquals(own.verdict, "no such event");
  assertMatch(
    own.text,
    /No retained event carries the id order-7\. It was never published, or is retained no longer\./,
  );
  const other = await explain(listeners, { id: `${seq}-zzzzzz` });
  assertEquals(other.verdict, "of another log");
});

Deno.test("a publisher's own id, also if it was used again", async () => {
  using listeners = await Listeners.make();
  await emit(listeners, { payload: "id: order-7\ndata: one", userId: "bob" });
  const first = await explain(listeners, { id: "order-7" });
  assertEquals(first.verdict, "for another user");
  await emit(listeners, { payload: "id: order-7\ndata: two" });
  const explained = await explain(listeners, { id: "order-7" });
  assertEquals([explained.verdict, explained.event?.ownId], ["not connected", "order-7"]);
  assertMatch(explained.text, /The log has 2 events with this id/);
});

Deno.test("several streams have a line each, and the best of them counts", async () => {
  using listeners = await Listeners.make();
  await using phone = await listeners.open();
  await using _desktop = await listeners.open({ channel: "news" });
  const id = await emit(listeners);
  await phone.until(/data: hi/);
  listeners.clock.advance(1000);
  await using _tablet = await listeners.open();
  const { verdict, streams, text } = await explain(listeners, { id });
  assertEquals(verdict, "handed over");
  assertEquals(streams.map(({ outcome }) => outcome), [
    "handed over",
    "skipped",
    "channel not heard",
  ]);
  assertEquals(text.match(/^Stream /gm)?.length, 3);
});

Deno.test("since: a count of each verdict, and every event with its own", async () => {
  using listeners = await Listeners.make();
  await emit(listeners);
  listeners.clock.advance(60_000);
  const stream = await listeners.open();
  await emit(listeners, { payload: "data: seen" });
  await stream.until(/data: seen/);
  await emit(listeners, { userId: "bob" });
  const since = (text: string) =>
    explain(listeners, { since: text }) as Promise<
      Explained & { verdicts: object; events: { verdict: string }[] }
    >;
  const all = await since("1h");
  assertEquals([all.verdict, all.verdicts], ["mixed", { "skipped": 1, "handed over": 1 }]);
  assertEquals(all.events.map(({ verdict }) => verdict), ["skipped", "handed over"]);
  assertMatch(
    all.text,
    /^2 retained events for alex on chat since \S+: 1 skipped, 1 handed over\.\n/,
  );
  assertEquals((await since("30")).verdict, "handed over");
  assertEquals((await since("2026-11-22T07:30:30Z")).verdict, "handed over");
  listeners.clock.advance(1000);
  assertEquals((await since("0")).verdict, "no such event");
  assertEquals((await since("999999999d")).verdict, "mixed");
  await leave(stream);
});

Deno.test("without an event: how the user stands now", async () => {
  using listeners = await Listeners.make();
  assertEquals((await explain(listeners, {})).verdict, "not connected");
  const headers = { Authorization: `Bearer ${listeners.token({ exp: 1 })}` };
  await (await listeners.client("/events/", { headers })).body?.cancel();
  assertEquals((await explain(listeners, {})).verdict, "refused");
  listeners.clock.advance(1000);
  const other = await listeners.open({ channel: "news" });
  assertEquals((await explain(listeners, {})).verdict, "channel not heard");
  const stream = await listeners.open();
  const { verdict, text } = await explain(listeners, {});
  assertEquals(verdict, "connected");
  assertMatch(
    text,
    /^alex is connected and hears chat\.\nStream \S+ from 10.1.2.3 has been open since 2026-11-22T07:30:01.000Z and hears/,
  );
  await leave(stream);
  await leave(other);
  assertMatch(
    (await explain(listeners, {})).text,
    /began at \S+ without a last event id and ended at/,
  );
});

Deno.test("who asks for a user by another case is told whose streams there are", async () => {
  using listeners = await Listeners.make();
  const stream = await listeners.open({ userId: "Alex" });
  const told =
    /^There are streams of Alex: each letter of a name, and its case, tells users apart\.$/m;
  assertMatch((await explain(listeners, {})).text, told);
  await leave(stream);
  assertMatch((await explain(listeners, { id: await emit(listeners) })).text, told);
});

Deno.test("plain text has the sentences alone", async () => {
  using listeners = await Listeners.make();
  const id = await emit(listeners);
  const response = await listeners.control(`/explain/?userId=alex&channel=chat&id=${id}`, {
    headers: { Accept: "text/plain" },
  });
  assertMatch(response.headers.get("Content-Type") ?? "", /^text\/plain/);
  assertMatch(await response.text(), /^The event .*\nalex had no stream then\.\n[^{]*\n$/s);
});

const WRONG: Readonly<Record<string, string>> = {
  "channel=chat": "Missing field userId: the user's name.",
  "userId=alex": "Missing field channel: the channel's name.",
  "userId=*&channel=chat": "Bad field userId: * is everyone; name one user.",
  "userId=alex&channel=chat&id=1&since=1h": "Bad field since: give id or since, not both.",
  "userId=alex&channel=chat&ids=1": 'Unknown field "ids": use userId, channel, id, since.',
  "userId=alex&channel=chat&channel=news": "Bad field channel: it was given more than once.",
  "userId=alex&channel=chat&id=":
    "Bad field id: it must be 1 to 256 characters of well-formed Unicode without NUL.",
};

for (const [query, message] of Object.entries(WRONG)) {
  Deno.test(`a question that is wrong is answered 400: ${query}`, async () => {
    using listeners = await Listeners.make();
    const response = await listeners.control(`/explain/?${query}`);
    assertEquals([response.status, await response.text()], [400, `${message}\n`]);
  });
}

for (const since of ["tomorrow", "2099-01-01T00:00:00Z", "-5", "1w", "2026-13-01"]) {
  Deno.test(`since=${since} is answered 400`, async () => {
    using listeners = await Listeners.make();
    const response = await listeners.control(`/explain/?userId=alex&channel=chat&since=${since}`);
    assertMatch(await response.text(), /^Bad field since: it must be a time in the past/);
    assertEquals(response.status, 400);
  });
}
