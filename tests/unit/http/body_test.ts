import { systemClock } from "../../../src/lib/clock.ts";
import { contentTypeOf, readFields, readJsonFields } from "../../../src/http/body.ts";
import { BodyLimits, MAX_FIELDS } from "../../../src/http/body_limits.ts";
import { BadBody, TooLarge, UnsupportedContentType } from "../../../src/lib/errors.ts";
import type { Fields } from "../../../src/requests/fields.ts";
import { assert, assertEquals, assertMatch } from "../../support/assert.ts";

const FORM = "application/x-www-form-urlencoded";
const LIMITS = new BodyLimits(1000, systemClock);
const LIMIT = LIMITS.maxBytes;

interface Sent {
  readonly type?: string;
  readonly body?: BodyInit;
  readonly query?: string;
  readonly limits?: BodyLimits;
}

function read({ type, body, query = "", limits = LIMITS }: Sent): Promise<Fields> {
  const url = `http://127.0.0.1:8001/emit/${query}`;
  const request = new Request(url, { method: "POST", ...(body !== undefined && { body }) });
  request.headers.delete("Content-Type");
  if (type !== undefined) request.headers.set("Content-Type", type);
  const fields = query === "" ? undefined : new URLSearchParams(query);
  return readFields(request, contentTypeOf(request), fields, limits);
}

function json(value: unknown): Sent {
  return { type: "application/json", body: JSON.stringify(value) };
}

/** A body as libcurl writes it for PHP's array in CURLOPT_POSTFIELDS, and for a file among it. */
function multipart(parts: readonly (readonly [header: string, value: string])[]): Sent {
  const boundary = "------------------------d74496d66958873e";
  const text = parts.map(([header, value]) =>
    `--${boundary}\r\nContent-Disposition: form-data; ${header}\r\n\r\n${value}\r\n`
  ).join("");
  return {
    type: `multipart/form-data; boundary=${boundary}`,
    body: `${text}--${boundary}--\r\n`,
  };
}

async function refusal(sent: Sent): Promise<Error> {
  try {
    await read(sent);
  } catch (error) {
    assert(error instanceof Error);
    return error;
  }
  throw new Error("it was accepted");
}

Deno.test("urlencoded fields are read, with plus for space, UTF-8 and line ends", async () => {
  const fields = await read({
    type: FORM,
    body: "userId=al+ex&channel=a&channel=b&payload=data%3A+%C3%A9%E2%9C%93%0A%0A&empty=&bare",
  });
  assertEquals(fields.all("userId"), ["al ex"]);
  assertEquals(fields.all("channel"), ["a", "b"]);
  assertEquals(fields.all("payload"), ["data: é✓\n\n"]);
  assertEquals([fields.all("empty"), fields.all("bare"), fields.all("none")], [[""], [""], []]);
});

Deno.test("characters that a form has not escaped stay what they are, beside escapes and lone percent signs", async () => {
  const body = "data=100% of €5 %41%e2%82%ac%zz 日本 👩‍👩‍👧&x=%ff€&y=€%4";
  const fields = await read({ type: FORM, body });
  assertEquals(fields.all("data"), ["100% of €5 A€%zz 日本 👩‍👩‍👧"]);
  assertEquals(fields.all("x"), ["\uFFFD€"]);
  assertEquals(fields.all("y"), ["€%4"]);
});

Deno.test("a content type may have any case and parameters", async () => {
  for (const type of [FORM, `${FORM}; charset=UTF-8`, `Application/X-WWW-Form-URLEncoded ;x`]) {
    assertEquals((await read({ type, body: "a=1" })).all("a"), ["1"], type);
  }
  const type = "APPLICATION/JSON; charset=utf-8";
  assertEquals((await read({ type, body: '{"a":1}' })).all("a"), ["1"]);
});

Deno.test("a multipart body is read as PHP's curl sends it, an array of channels and files included", async () => {
  const fields = await read(multipart([
    ['name="userId"', "alex"],
    ['name="channel[0]"', "a"],
    ['name="channel[1]"', "b"],
    ['name="payload"', "event: x\ndata: é✓\n\n"],
    ['name="data"; filename="data.txt"\r\nContent-Type: text/plain', "from a file\r\nof two lines"],
    ['name="empty"', ""],
  ]));
  assertEquals(fields.all("userId"), ["alex"]);
  assertEquals(fields.all("channel"), ["a", "b"]);
  assertEquals(fields.all("payload"), ["event: x\ndata: é✓\n\n"]);
  assertEquals(fields.all("data"), ["from a file\r\nof two lines"]);
  assertEquals(fields.all("empty"), [""]);
});

Deno.test("PHP's ways to name the members of an array are one field", async () => {
  const fields = await read({ type: FORM, body: "channel[]=a&channel[7]=b&channel=c&x[y]=1" });
  assertEquals(fields.all("channel"), ["a", "b", "c"]);
  assertEquals(fields.all("x[y]"), ["1"]);
});

Deno.test("JSON members become fields: texts, numbers, true and false, and arrays as repeated fields", async () => {
  const fields = await read(json({ userId: 17, channel: ["a", "b", 3], payload: "é\n", on: true }));
  assertEquals(fields.all("userId"), ["17"]);
  assertEquals(fields.all("channel"), ["a", "b", "3"]);
  assertEquals(fields.all("payload"), ["é\n"]);
  assertEquals(fields.all("on"), ["true"]);
});

Deno.test("a JSON member that is null counts as absent", async () => {
  const fields = await read(json({ userId: null, channel: ["a", null] }));
  assertEquals([fields.all("userId"), fields.all("channel")], [[], ["a"]]);
});

Deno.test("data may be any JSON, and clients get its text", async () => {
  const dataOf = async (data: unknown) => (await read(json({ data }))).all("data");
  assertEquals(await dataOf({ a: [1, { b: null }] }), ['{"a":[1,{"b":null}]}']);
  assertEquals(await dataOf([1, "x"]), ['[1,"x"]']);
  assertEquals(await dataOf("plain text"), ["plain text"]);
  assertEquals(await dataOf(5), ["5"]);
  assertEquals(await dataOf([]), ["[]"]);
});

Deno.test("an object where a text belongs is refused by the member's name", async () => {
  for (const value of [{ userId: { id: 1 } }, { userId: [{}] }, { userId: [["a"]] }]) {
    const error = await refusal(json(value));
    assert(error instanceof BadBody);
    assertMatch(error.message, /member "userId" must be a text/);
  }
});

Deno.test("JSON that is malformed or no object is refused", async () => {
  for (const body of ["", "{", "[1]", "null", '"x"', "5", "{'a':1}", '{"a":1}{"b":2}']) {
    const error = await refusal({ type: "application/json", body });
    assert(error instanceof BadBody, body);
    assertMatch(error.message, /^Body not understood: it is not (a JSON object|well-formed JSON)/);
  }
});

Deno.test("JSON nested deeper than the stack is no failure of the server's", async () => {
  const limits = new BodyLimits(1_000_000, systemClock);
  const deep = "[".repeat(100_000) + "]".repeat(100_000);
  for (const member of ["channel", "data"]) {
    const body = `{"${member}":${deep}}`;
    const error = await refusal({ type: "application/json", body, limits });
    assert(error instanceof BadBody, `a bad body, not ${error}`);
  }
});

Deno.test("a body of more than a thousand fields is refused in every format, also one that is not whole", async () => {
  const most = Array.from({ length: MAX_FIELDS }, (_, n) => `f${n}`);
  const formats: readonly ((names: readonly string[]) => Sent)[] = [
    (names) => ({ type: FORM, body: names.map((name) => `${name}=1`).join("&") }),
    (names) => json(Object.fromEntries(names.map((name) => [name, 1]))),
    (names) => multipart(names.map((name) => [`name="${name}"`, "1"])),
  ];
  const limits = new BodyLimits(100_000, systemClock);
  for (const format of formats) {
    assertEquals((await read({ ...format(most), limits })).all(`f${MAX_FIELDS - 1}`), ["1"]);
    const sent = format([...most, "one-more"]);
    // What breaks off is not well-formed: that it has too many fields was found without parsing it.
    const broken = { ...sent, body: String(sent.body).slice(0, -1) };
    for (const one of sent.type === FORM ? [sent] : [sent, broken]) {
      const error = await refusal({ ...one, limits });
      assert(error instanceof TooLarge, `${one.type}: ${error}`);
      assertEquals(error.message, "Body too large: more than 1000 fields.");
    }
  }
});

Deno.test("a boundary may be quoted, and one that cannot be read is refused", async () => {
  const { body = "" } = multipart([['name="a"', "1"]]);
  const boundary = "------------------------d74496d66958873e";
  for (const one of [`"${boundary}"`, `${boundary} ; charset=utf-8`, boundary]) {
    const type = `multipart/form-data; x=y; Boundary=${one}`;
    assertEquals((await read({ type, body })).all("a"), ["1"], type);
  }
  for (const one of ['"', '""', "é", `x="boundary=${boundary}"`]) {
    const error = await refusal({ type: `multipart/form-data; boundary=${one}`, body });
    assert(error instanceof BadBody, `${one}: ${error}`);
  }
});

Deno.test("plus signs are spaces in a text of any length, and a BOM in it stays", async () => {
  const limits = new BodyLimits(1_000_000, systemClock);
  const fields = await read({ type: FORM, body: `a=\uFEFF${"é+x".repeat(100_000)}%2B`, limits });
  assertEquals(fields.all("a")[0] === `\uFEFF${"é x".repeat(100_000)}+`, true);
});

Deno.test("members with names that JavaScript has for itself are ordinary fields", () => {
  const fields = readJsonFields('{"__proto__":"x","constructor":"y","toString":"z"}', LIMITS);
  const names = ["__proto__", "constructor", "toString", "hasOwnProperty"];
  assertEquals(names.map((name) => fields.all(name)), [["x"], ["y"], ["z"], []]);
});

Deno.test("a multipart body that is malformed is refused", async () => {
  const { body = "" } = multipart([['name="a"', "1"]]);
  const cases: readonly Sent[] = [
    { type: "multipart/form-data", body },
    { type: "multipart/form-data; boundary=other", body },
    { type: "multipart/form-data; boundary=x", body: "garbage" },
    { type: "multipart/form-data; boundary=x", body: "" },
  ];
  for (const sent of cases) {
    const error = await refusal(sent);
    assert(error instanceof BadBody, `${sent.type}: ${error}`);
    assertMatch(error.message, /not well-formed multipart\/form-data/);
  }
});

Deno.test("fields may come in the query, of which those that the body has are ignored", async () => {
  const query = "?userId=from-query&channel=a&channel=b&exp=60";
  const fields = await read({ type: FORM, body: "userId=from-body", query });
  assertEquals(fields.all("userId"), ["from-body"]);
  assertEquals(fields.all("channel"), ["a", "b"]);
  assertEquals(fields.all("exp"), ["60"]);
  const brackets = await read({ type: FORM, body: "channel[]=c", query });
  assertEquals(brackets.all("channel"), ["c"]);
});

Deno.test("fields in the query need no body", async () => {
  for (const body of [undefined, ""]) {
    const sent = { query: "?userId=alex", ...(body !== undefined && { body }) };
    assertEquals((await read(sent)).all("userId"), ["alex"]);
  }
});

Deno.test("another content type, or a body without one, is refused with those that there are", async () => {
  for (const type of ["text/plain", "application/xml", "json", "application/json2", undefined]) {
    const error = await refusal({ body: "a=1", ...(type !== undefined && { type }) });
    assert(error instanceof UnsupportedContentType, `${type}: ${error}`);
    assertMatch(error.message, /urlencoded, multipart\/form-data or application\/json\.$/);
    assertMatch(error.message, type === undefined ? /none was given/ : new RegExp(`: ${type}\\.`));
  }
});

Deno.test("a body over the limit is refused, whether or not it says its length", async () => {
  const formats: readonly Sent[] = [
    { type: FORM, body: `a=${"x".repeat(LIMIT)}` },
    json({ a: "x".repeat(LIMIT) }),
    multipart([['name="a"', "x".repeat(LIMIT)]]),
  ];
  for (const sent of formats) {
    const error = await refusal(sent);
    assert(error instanceof TooLarge, `${sent.type}: ${error}`);
    assertMatch(error.message, new RegExp(`more than ${LIMIT} bytes \\(-max-payload\\)`));
  }
  const exact = `a=${"x".repeat(LIMIT - 2)}`;
  assertEquals((await read({ type: FORM, body: exact })).all("a")[0]?.length, LIMIT - 2);
});

Deno.test("a body that says it is over the limit is refused before any of it is read", async () => {
  let pulled = false;
  const body = new ReadableStream<Uint8Array>({
    pull: () => {
      pulled = true;
    },
  }, { highWaterMark: 0 });
  const request = new Request("http://127.0.0.1/emit/", {
    method: "POST",
    body,
    headers: { "Content-Type": FORM, "Content-Length": String(LIMIT + 1) },
  });
  try {
    await readFields(request, FORM, undefined, LIMITS);
    throw new Error("it was accepted");
  } catch (error) {
    assert(error instanceof TooLarge, String(error));
  }
  assertEquals(pulled, false);
});

Deno.test("the largest payload fits into a body of every format, however its bytes are escaped", async () => {
  const size = 2000;
  const limits = new BodyLimits(size, systemClock);
  const payload = "\u0001".repeat(size);
  for (
    const sent of [
      { type: FORM, body: `payload=${"%01".repeat(size)}` },
      json({ payload }),
      multipart([['name="payload"', payload]]),
    ]
  ) {
    assertEquals((await read({ ...sent, limits })).all("payload"), [payload]);
  }
});

Deno.test("JSON that comes as a form, or without a content type, is told its content type", async () => {
  for (const body of ['{"userId":"alex"}', ' \n{"data":"a=b&c"}', "[]"]) {
    for (const type of [FORM, undefined]) {
      const error = await refusal({ body, ...(type !== undefined && { type }) });
      assert(error instanceof BadBody, `a bad body, not ${error}`);
      assertEquals(error.message, "The body looks like JSON: send Content-Type: application/json.");
    }
  }
  assertEquals((await read({ type: FORM, body: "a={1}" })).all("a"), ["{1}"]);
});

Deno.test("fields are counted by their names", async () => {
  const fields = await read({ type: FORM, body: "a=1&b[]=2&b[]=3&b[0]=4", query: "?c=5&a=6" });
  assertEquals([[...fields.names()], fields.size], [["a", "b", "c"], 3]);
});
