import { readRevokeRequest } from "../../../src/requests/revoke_request.ts";
import { assertEquals, assertMatch } from "../../support/assert.ts";
import { fieldsOf, type GivenFields, refusedField } from "../../support/given_fields.ts";

Deno.test("tokens are revoked by user, by user and channels, or by jti", () => {
  const cases: readonly [GivenFields, object][] = [
    [{ userId: "alex" }, [{ user: "alex" }]],
    [{ userId: "alex", channel: "chat", jti: "" }, [{ user: "alex", channel: "chat" }]],
    [{ userId: "alex", channel: ["a", "b.*", "a"] }, [
      { user: "alex", channel: "a" },
      { user: "alex", channel: "b.*" },
    ]],
    [{ jti: "t1", userId: "" }, [{ tokenId: "t1" }]],
  ];
  for (const [given, targets] of cases) {
    assertEquals(readRevokeRequest(fieldsOf(given)), targets);
  }
});

Deno.test("what is missing, wrong or unknown is refused by name", () => {
  const cases: readonly [GivenFields, string, RegExp][] = [
    [{}, "userId", /^Missing field userId: .* or give jti for one token\.$/],
    [{ channel: "chat" }, "userId", /^Missing field userId: /],
    [{ userId: "" }, "userId", /^Missing field userId: /],
    [{ userId: "x".repeat(257) }, "userId", /^Bad field userId: /],
    [{ userId: ["a", "b"] }, "userId", /more than once/],
    [{ userId: "*" }, "userId", /^Bad field userId: it must be one user; .* a new secret\.$/],
    [{ userId: "alex", channel: "" }, "channel", /^Bad field channel: /],
    [{ userId: "alex", jti: "t" }, "jti", /^Bad field jti: give userId or jti, not both\.$/],
    [{ channel: "chat", jti: "t" }, "channel", /^Bad field channel: it narrows userId; /],
    [{ jti: "a\0b" }, "jti", /^Bad field jti: it must be /],
    [{ jti: ["a", "b"] }, "jti", /more than once/],
    [{ jti: "eyJhbGciOiJIUzI1NiJ9.eyJ1Ijoi.c2ln" }, "jti", /^Bad field jti: it is a whole token/],
    [{ userID: "alex" }, "userID", /^Unknown field userID: use userId, channel or jti\.$/],
    [{ userId: "alex", exp: "60" }, "exp", /^Unknown field exp: /],
  ];
  for (const [given, field, message] of cases) {
    const error = refusedField(() => readRevokeRequest(fieldsOf(given)));
    assertEquals(error.field, field);
    assertMatch(error.message, message);
  }
});
