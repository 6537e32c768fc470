import { TooLarge } from "../../../src/lib/errors.ts";
import { type EmitRequest, readEmit } from "../../../src/requests/emit_request.ts";
import { assert, assertEquals, assertMatch } from "../../support/assert.ts";
import { fieldsOf, type GivenFields, refusedField } from "../../support/given_fields.ts";

function emit(given: GivenFields, limit = 1000, headerKey?: string): EmitRequest {
  return readEmit(fieldsOf(given), limit, headerKey);
}

const EMIT = { userId: "alex", channel: "chat", payload: "data: 1\n\n" };
const DATA = { userId: "alex", channel: "chat", data: "1" };

Deno.test("an emit addresses its user on its channel", () => {
  assertEquals(emit(EMIT), {
    channel: "chat",
    user: "alex",
    drafts: [{ channel: "chat", user: "alex", block: "data: 1" }],
    idempotencyKey: undefined,
    note: undefined,
  });
});

Deno.test("a payload of several events becomes several, all for the same subscription", () => {
  const { drafts } = emit({ ...EMIT, userId: "*", payload: "data: 1\n\ndata: 2\n" });
  assertEquals(drafts, [
    { channel: "chat", user: "*", block: "data: 1" },
    { channel: "chat", user: "*", block: "data: 2" },
  ]);
});

Deno.test("each field that is missing or empty is refused by name", () => {
  for (const field of ["userId", "channel", "payload"]) {
    for (const value of [undefined, ""]) {
      const error = refusedField(() => emit({ ...EMIT, [field]: value }));
      assertEquals(error.field, field);
      assertMatch(error.message, new RegExp(`^(Missing|Bad) field ${field}: `));
    }
  }
});

Deno.test("each field that comes twice is refused by name", () => {
  const all = { ...DATA, event: "x", retry: "1", idempotencyKey: "k" };
  for (const field of Object.keys(all)) {
    const error = refusedField(() => emit({ ...all, [field]: ["1", "2"] }));
    assertMatch(error.message, new RegExp(`^Bad field ${field}: it was given more than once`));
  }
  refusedField(() => emit({ ...EMIT, payload: ["data: 1", "data: 2"] }));
});

Deno.test("a payload of blank lines alone is refused", () => {
  for (const payload of ["\n", "\r\n\r\n", "\r"]) {
    assertMatch(
      refusedField(() => emit({ ...EMIT, payload })).message,
      /^Bad field payload: .*empty/,
    );
  }
});

Deno.test("payload and data exclude each other", () => {
  assertEquals(refusedField(() => emit({ ...EMIT, data: "1" })).field, "data");
});

Deno.test("event and retry go with data, not with payload", () => {
  for (const field of ["event", "retry"]) {
    const error = refusedField(() => emit({ ...EMIT, [field]: "1" }));
    assertMatch(error.message, new RegExp(`^Bad field ${field}: it goes with data`));
  }
});

Deno.test("data becomes an event, with its type and its retry time", () => {
  const blockOf = (given: GivenFields) => emit({ ...DATA, ...given }).drafts[0]?.block;
  assertEquals(blockOf({ data: "a\nb" }), "data: a\ndata: b");
  assertEquals(blockOf({ data: "" }), "data: ");
  assertEquals(blockOf({ event: "news", retry: "500" }), "event: news\nretry: 500\ndata: 1");
  assertEquals(blockOf({ event: "", retry: "" }), "data: 1", "empty ones count as not given");
});

Deno.test("a type with a line end or NUL in it is refused", () => {
  for (const event of ["a\nb", "a\rb", "a\0b", "\n", "a\r\ndata: forged"]) {
    assertMatch(refusedField(() => emit({ ...DATA, event })).message, /^Bad field event: /);
  }
});

Deno.test("a retry time that is no whole number of milliseconds is refused", () => {
  for (const retry of ["-1", "1.5", "1e3", "soon", "1\ndata: forged", " 1", "12345678901"]) {
    assertMatch(refusedField(() => emit({ ...DATA, retry })).message, /^Bad field retry: /);
  }
});

Deno.test("the limit of a payload is counted in bytes, not in characters", () => {
  const tooLarge = (given: GivenFields, limit: number): string => {
    try {
      emit(given, limit);
    } catch (error) {
      assert(error instanceof TooLarge, `too large, not ${error}`);
      return error.message;
    }
    throw new Error("it was accepted");
  };
  // Each of these is one character in UTF-16 or two, and two, three or four bytes in UTF-8.
  for (const [text, bytes] of [["a", 1], ["é", 2], ["€", 3], ["𝄞", 4]] as const) {
    const data = text.repeat(10);
    emit({ ...DATA, data }, bytes * 10);
    emit({ ...EMIT, payload: data }, bytes * 10);
    assertMatch(tooLarge({ ...DATA, data }, bytes * 10 - 1), /^Field data is too large: .*bytes/);
    assertMatch(tooLarge({ ...EMIT, payload: data }, bytes * 10 - 1), /^Field payload is too /);
  }
  assertMatch(tooLarge({ ...DATA, event: "eeee" }, 3), /^Field event is too large/);
});

Deno.test("an idempotency key comes in a field or in the header, and the header wins", () => {
  assertEquals(emit({ ...EMIT, idempotencyKey: "a" }).idempotencyKey, "a");
  assertEquals(emit(EMIT, 1000, "b").idempotencyKey, "b");
  assertEquals(emit({ ...EMIT, idempotencyKey: "a" }, 1000, "b").idempotencyKey, "b");
});

Deno.test("an idempotency key that is empty or over-long is refused", () => {
  emit(EMIT, 1000, "k".repeat(256));
  for (const key of ["", "k".repeat(257)]) {
    for (
      const error of [
        refusedField(() => emit(EMIT, 1000, key)),
        refusedField(() => emit({ ...EMIT, idempotencyKey: key })),
      ]
    ) assertMatch(error.message, /^Bad field idempotencyKey: .*Idempotency-Key.*1 to 256/);
  }
});

Deno.test("a name over 256 characters is refused, for it would stay in memory uncounted", () => {
  for (const field of ["userId", "channel"]) {
    emit({ ...EMIT, [field]: "n".repeat(256) });
    const error = refusedField(() => emit({ ...EMIT, [field]: "n".repeat(257) }));
    assertMatch(error.message, new RegExp(`^Bad field ${field}: .*256`));
  }
});

Deno.test("a payload of more than a thousand events is refused", () => {
  assertEquals(emit({ ...EMIT, payload: "a\n\n".repeat(1000) }, 10_000).drafts.length, 1000);
  const error = refusedField(() => emit({ ...EMIT, payload: "a\n\n".repeat(1001) }, 10_000));
  assertMatch(error.message, /^Bad field payload: .*1000 events.*NDJSON/);
});
