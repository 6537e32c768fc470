/** An emit that is accepted, but of which nothing arrives, is told so. */
import { assert, assertEquals } from "../../support/assert.ts";
import { Listeners, type ListenersOptions } from "../../support/listeners.ts";

const EMIT = { userId: "alex", channel: "chat", data: "1" };

type Given = Readonly<Record<string, string>>;

/** The note of the header; the body is `OK` in any case. */
async function headerNote(listeners: Listeners, fields: Given): Promise<string | null> {
  const response = await listeners.post("/emit/", fields);
  assertEquals([response.status, await response.text()], [200, "OK"]);
  return response.headers.get("SSE-Note");
}

async function jsonNote(listeners: Listeners, fields: Given): Promise<unknown> {
  const response = await listeners.control("/emit/", {
    method: "POST",
    body: new URLSearchParams(fields),
    headers: { Accept: "application/json" },
  });
  assertEquals(response.headers.get("SSE-Note"), null);
  const body = await response.json();
  assert(body.note !== undefined || !("note" in body));
  return body.note ?? null;
}

async function lineNotes(listeners: Listeners, ...lines: readonly Given[]): Promise<unknown[]> {
  const response = await listeners.control("/emit/", {
    method: "POST",
    body: lines.map((line) => JSON.stringify(line)).join("\n"),
    headers: { "Content-Type": "application/x-ndjson" },
  });
  return (await response.text()).trim().split("\n").map((line) => JSON.parse(line).note ?? null);
}

/** The note on one emit, after checking that all three ways of emitting give the same. */
async function noteOn(listeners: Listeners, fields: Given): Promise<string | null> {
  const note = await headerNote(listeners, fields);
  assertEquals(await jsonNote(listeners, fields), note);
  assertEquals(await lineNotes(listeners, fields), [note]);
  return note;
}

Deno.test("nothing is noted on an emit that somebody receives", async () => {
  using listeners = await Listeners.make();
  await using _stream = await listeners.open();
  assertEquals(await noteOn(listeners, EMIT), null);
  assertEquals(await noteOn(listeners, { ...EMIT, userId: "*", event: "x", retry: "1" }), null);
});

Deno.test("an emit to a channel that nobody hears is told, with the channel that was meant", async () => {
  using listeners = await Listeners.make();
  const fields = { ...EMIT, channel: "chta" };
  assertEquals(await noteOn(listeners, fields), "Nobody listens on chta.");
  await using _one = await listeners.open();
  assertEquals(
    await noteOn(listeners, fields),
    "Nobody listens on chta; 1 stream is open on chat.",
  );
  await using _two = await listeners.open();
  assertEquals(
    await noteOn(listeners, fields),
    "Nobody listens on chta; 2 streams are open on chat.",
  );
});

Deno.test("an emit to a user who does not listen is told who does", async () => {
  using listeners = await Listeners.make();
  await using _one = await listeners.open();
  assertEquals(
    await noteOn(listeners, { ...EMIT, userId: "Alex" }),
    "1 stream on chat, none for Alex.",
  );
  await using _two = await listeners.open();
  await using _three = await listeners.open({ userId: "sam", channel: ["chat", "news"] });
  assertEquals(
    await noteOn(listeners, { ...EMIT, userId: "Alex" }),
    "3 streams on chat, none for Alex.",
  );
  assertEquals(
    await noteOn(listeners, { ...EMIT, channel: "news" }),
    "1 stream on news, none for alex; alex listens on chat.",
  );
  assertEquals(
    await noteOn(listeners, { ...EMIT, channel: "weather" }),
    "Nobody listens on weather; alex listens on chat.",
  );
});

Deno.test("an unknown field and a payload without data are told, whoever listens", async () => {
  using listeners = await Listeners.make();
  await using _stream = await listeners.open();
  assertEquals(
    await noteOn(listeners, { ...EMIT, evnet: "x" }),
    "Unknown field evnet was ignored; did you mean event?",
  );
  const payload = { userId: "alex", channel: "chat", payload: "hello" };
  assertEquals(
    await noteOn(listeners, payload),
    "The payload has no data: line: browsers dispatch nothing.",
  );
  assertEquals(
    await noteOn(listeners, { ...payload, userId: "sam", x: "" }),
    "Unknown field x was ignored. The payload has no data: line: browsers dispatch nothing. " +
      "1 stream on chat, none for sam.",
  );
});

Deno.test("each line of NDJSON has its own note", async () => {
  using listeners = await Listeners.make();
  await using _stream = await listeners.open();
  const lines = [EMIT, { ...EMIT, userId: "sam" }, { userId: "sam" }, { ...EMIT, x: "" }];
  assertEquals(await lineNotes(listeners, ...lines as Given[]), [
    null,
    "1 stream on chat, none for sam.",
    null,
    "Unknown field x was ignored.",
  ]);
});

Deno.test("a repeated emit is not said to be unheard if somebody listens by now", async () => {
  using listeners = await Listeners.make();
  const fields = { ...EMIT, idempotencyKey: "k" };
  assertEquals(await headerNote(listeners, fields), "Nobody listens on chat.");
  await using _stream = await listeners.open();
  assertEquals(await headerNote(listeners, fields), null);
});

Deno.test("names of any characters fit into the header", async () => {
  using listeners = await Listeners.make();
  const channel = 'größe "1"\r\nX-Forged: 1';
  assertEquals(
    await headerNote(listeners, { ...EMIT, channel }),
    String.raw`Nobody listens on "gr\u00f6\u00dfe \"1\"\r\nX-Forged: 1".`,
  );
  assertEquals(
    await jsonNote(listeners, { ...EMIT, channel }),
    String.raw`Nobody listens on "größe \"1\"\r\nX-Forged: 1".`,
  );
});

Deno.test("with a shared store the note speaks of this server alone", async () => {
  using listeners = await Listeners.make({ isStoreShared: true });
  assertEquals(await noteOn(listeners, EMIT), "On this server nobody listens on chat.");
  await using _stream = await listeners.open();
  assertEquals(
    await noteOn(listeners, { ...EMIT, userId: "Alex" }),
    "On this server 1 stream on chat, none for Alex.",
  );
});

Deno.test("who listens is looked up for a hundred unheard emits a second", async () => {
  using listeners = await Listeners.make();
  const notes = await lineNotes(listeners, ...Array<Given>(150).fill(EMIT));
  assertEquals(notes.filter((note) => note !== null).length, 100);
  assertEquals(await headerNote(listeners, { ...EMIT, x: "" }), "Unknown field x was ignored.");
  listeners.clock.advance(1000);
  assertEquals(await headerNote(listeners, EMIT), "Nobody listens on chat.");
});

for (const activity of ["debug", "dev"] as const) {
  Deno.test(`emits, streams and refusals are logged in ${activity} mode`, async () => {
    const options: ListenersOptions = { activity, corsOrigins: ["https://app.example"] };
    using listeners = await Listeners.make(options);
    await using _stream = await listeners.open();
    await listeners.post("/emit/", EMIT);
    await listeners.post("/emit/", { ...EMIT, "my secret": "kept", userId: "sam" });
    await listeners.post("/emit/", { userId: "alex" });
    await lineNotes(listeners, { userId: "alex" });
    await listeners.client("/events/?token=kept");
    await listeners.client("/events/", { headers: { Origin: "https://other.example" } });
    const level = activity === "dev" ? "info" : "debug";
    const told = listeners.logLines.filter((line) => !line.includes(" control request method="));
    const lines = told.map((line) =>
      line.replace(/^\S+ /, "").replace(/ id=\S+/, " id=ID").replace(
        /stream=\S+/,
        "stream",
      )
    );
    assertEquals(lines, [
      `${level} stream opened stream user=alex channel=chat from=now`,
      "debug emitted channel=chat user=alex id=ID subscribers=1",
      `${level} emitted channel=chat user=sam id=ID subscribers=0 note="An unknown field was ignored. 1 stream on chat, none for sam."`,
      "warn control request refused, more like it are not logged status=400 error=BadField field=channel",
      `${level} control request refused status=400 error=BadField reason="Missing field channel: the channel's name."`,
      `${level} line refused line=1 status=400 error=BadField reason="Missing field channel: the channel's name."`,
      `${level} client request refused status=401 error=TokenRefused reason="Token refused: it is not a well-formed JWT."`,
      `${level} client request refused status=401 error=TokenRefused reason="Token missing."`,
      `${level} answer not readable for the page of another origin origin=https://other.example`,
      `warn a page of another origin cannot connect origin=https://other.example flag="-cors https://app.example,https://other.example"`,
    ]);
  });
}
