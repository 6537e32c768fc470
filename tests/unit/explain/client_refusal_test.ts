import { refusalOf } from "../../../src/explain/client_refusal.ts";
import { BadField, ChannelRefused, type HttpError, TokenRefused } from "../../../src/lib/errors.ts";
import { assertEquals } from "../../support/assert.ts";
import { makeToken } from "../../support/jwt.ts";

const CLAIM = { text: "userId", names: ["userId"] };

function told(error: HttpError, token: string | undefined, user?: string) {
  const claims = user === undefined ? undefined : { user, channels: ["chat"], patterns: [] };
  const { why, user: found, isVerified } = refusalOf(
    error,
    { token, claims, origin: undefined },
    CLAIM,
  );
  return [why, found, isVerified];
}

function token(claims: object): string {
  return makeToken({ channel: "chat", ...claims }, { secret: "any" });
}

Deno.test("a user counts as known only if a key of the server has signed the name", () => {
  const alex = token({ userId: "alex" });
  assertEquals(told(new TokenRefused("expired", "x"), alex), ["expired", "alex", true]);
  assertEquals(told(new TokenRefused("revoked", "x"), alex), ["revoked", "alex", true]);
  assertEquals(told(new TokenRefused("signature", "x"), alex), ["signature", "alex", false]);
  assertEquals(told(new TokenRefused("malformed", "x"), alex), ["malformed", "alex", false]);
  assertEquals(told(new BadField("channel", "x"), alex), ["bad request", "alex", false]);
  assertEquals(told(new BadField("greeting", "x"), alex, "alex"), ["bad request", "alex", true]);
  assertEquals(told(new ChannelRefused("x"), alex, "alex"), ["channel not granted", "alex", true]);
});

Deno.test("of a token that cannot be read, is missing, or is very long, nobody is told", () => {
  for (
    const [code, text] of [
      ["missing", undefined],
      ["malformed", "a.b.c"],
      ["signature", token({ userId: { name: "alex" } })],
      ["signature", token({})],
      ["signature", token({ userId: "x".repeat(300) })],
      ["signature", token({ userId: "alex", more: "x".repeat(8192) })],
    ] as const
  ) {
    assertEquals(told(new TokenRefused(code, "x"), text), [code, undefined, false]);
  }
  assertEquals(told(new TokenRefused("expired", "x"), token({ userId: 7 })), [
    "expired",
    "7",
    true,
  ]);
});

Deno.test("nothing of a token is kept that was sent in the place of a channel", () => {
  const alex = token({ userId: "alex" });
  const error = new ChannelRefused(`Channel refused: the token does not grant "${alex}".`);
  const claims = { user: "alex", channels: ["chat"], patterns: [] };
  const { message } = refusalOf(error, { token: alex, claims, origin: undefined }, CLAIM);
  assertEquals(message, 'Channel refused: the token does not grant "TOKEN".');
});

Deno.test("a refused stream would have heard what its client asked for, else what its token names", () => {
  const error = new BadField("channel", "x");
  const channelsOf = (
    claims: { channels: readonly string[]; patterns: readonly string[] } | undefined,
    asked?: readonly string[],
  ) => {
    const named = claims && { user: "alex", ...claims };
    return refusalOf(error, { token: undefined, claims: named, asked, origin: undefined }, CLAIM)
      .channels;
  };
  const granted = { channels: ["chat"], patterns: ["room-"] };
  assertEquals(channelsOf(granted), { channels: ["chat"], patterns: [] });
  assertEquals(channelsOf({ ...granted, channels: [] }), { channels: [], patterns: ["room-"] });
  assertEquals(channelsOf(granted, ["room-1"]), { channels: ["room-1"], patterns: [] });
  assertEquals(channelsOf(undefined, ["room-1"]), { channels: ["room-1"], patterns: [] });
  assertEquals(channelsOf(undefined), undefined);
});
