import { readDisconnectRequest } from "../../../src/requests/disconnect_request.ts";
import { assertEquals, assertMatch } from "../../support/assert.ts";
import { fieldsOf, type GivenFields, refusedField } from "../../support/given_fields.ts";

Deno.test("streams are ended by user, by channel, by both, or all of them", () => {
  const channels = { channels: ["chat"], patterns: ["orders."] };
  const cases: readonly [GivenFields, object][] = [
    [{ userId: "alex" }, { user: "alex" }],
    [{ channel: ["chat", "orders.*"] }, { channels }],
    [{ userId: "alex", channel: ["chat", "orders.*"], all: "" }, { user: "alex", channels }],
    [{ all: "true", userId: "" }, {}],
  ];
  for (const [given, selection] of cases) {
    assertEquals(readDisconnectRequest(fieldsOf(given)), selection);
  }
});

Deno.test("a request that names no stream, or not clearly which, is refused", () => {
  const cases: readonly [GivenFields, string, RegExp][] = [
    [{}, "userId", /^Missing field userId or channel: .*all=true\.$/],
    [{ all: "yes" }, "all", /^Bad field all: it must be true/],
    [{ all: "true", userId: "alex" }, "all", /^Bad field all: give it alone/],
    [{ all: "true", channel: "chat" }, "all", /^Bad field all: give it alone/],
    [{ userId: "*" }, "userId", /^Bad field userId: .* leave it out for every user\.$/],
    [{ channel: "" }, "channel", /^Bad field channel: /],
    [{ userId: "alex", jti: "t" }, "jti", /^Unknown field jti: use userId, channel or all\.$/],
  ];
  for (const [given, field, message] of cases) {
    const error = refusedField(() => readDisconnectRequest(fieldsOf(given)));
    assertEquals(error.field, field);
    assertMatch(error.message, message);
  }
});
