import { readTokenRequest } from "../../../src/requests/token_request.ts";
import { assertEquals, assertMatch } from "../../support/assert.ts";
import { fieldsOf, refusedField } from "../../support/given_fields.ts";

const TOKEN = { userId: "alex", channel: "chat", exp: "60" };

Deno.test("each field that is missing or empty is refused by name", () => {
  for (const field of ["userId", "channel", "exp"]) {
    for (const value of [undefined, ""]) {
      const error = refusedField(() => readTokenRequest(fieldsOf({ ...TOKEN, [field]: value })));
      assertEquals(error.field, field);
      assertMatch(error.message, new RegExp(`^Missing field ${field}: `));
    }
  }
});

Deno.test("each field that comes twice is refused by name", () => {
  for (const field of ["userId", "exp"]) {
    const error = refusedField(() => readTokenRequest(fieldsOf({ ...TOKEN, [field]: ["1", "2"] })));
    assertMatch(error.message, new RegExp(`^Bad field ${field}: it was given more than once`));
  }
});

Deno.test("a token is asked for one channel or several, each of which counts once", () => {
  assertEquals(readTokenRequest(fieldsOf(TOKEN)), {
    user: "alex",
    channels: ["chat"],
    lifetime: 60,
  });
  const several = { ...TOKEN, channel: ["a", "b", "a"] };
  assertEquals(readTokenRequest(fieldsOf(several)).channels, ["a", "b"]);
  refusedField(() => readTokenRequest(fieldsOf({ ...TOKEN, channel: ["a", ""] })));
});

Deno.test("a lifetime is a whole number of seconds, from one to ten years", () => {
  for (const exp of ["1", "086400", "315576000"]) {
    assertEquals(readTokenRequest(fieldsOf({ ...TOKEN, exp })).lifetime, Number(exp));
  }
  for (const exp of ["0", "-1", "1.5", "1e3", "soon", " 60", "315576001", "9".repeat(400)]) {
    const error = refusedField(() => readTokenRequest(fieldsOf({ ...TOKEN, exp })));
    assertMatch(error.message, /^Bad field exp: /, exp);
  }
});

Deno.test("a Unix time in the place of a lifetime is told what exp is", () => {
  const error = refusedField(() => readTokenRequest(fieldsOf({ ...TOKEN, exp: "1795600000" })));
  assertMatch(error.message, /^Bad field exp: exp counts seconds from now; .*315576000/);
});
