import { parseToken, readPayload } from "../../../src/auth/signed_token.ts";
import { assertEquals, assertThrows } from "../../support/assert.ts";
import { makeToken, tokenPart } from "../../support/jwt.ts";

function withHeader(header: unknown): string {
  return `${tokenPart(header)}.${tokenPart({ userId: "alex" })}.${tokenPart("signature")}`;
}

Deno.test("a token is cut into what was signed, its payload and its signature", () => {
  const token = withHeader({ alg: "HS256", kid: "k1" });
  const parsed = parseToken(token);
  assertEquals(parsed.header, { alg: "HS256", kid: "k1" });
  assertEquals(parsed.signingInput, token.slice(0, token.lastIndexOf(".")));
  assertEquals(readPayload(parsed), { userId: "alex" });
  assertEquals(new TextDecoder().decode(parsed.signature), "signature");
});

Deno.test("a header may say that the token is a JWT or an access token, in any case, or nothing", () => {
  for (const typ of [undefined, "JWT", "jwt", "application/jwt", "at+jwt", "application/at+JWT"]) {
    assertEquals(parseToken(withHeader({ alg: "HS256", typ })).header.alg, "HS256", typ);
  }
  for (const typ of ["logout+jwt", "", "JWS", null, 1, ["JWT"]]) {
    assertThrows(
      () => parseToken(withHeader({ alg: "HS256", typ })),
      /^Token refused: its typ must be JWT or at\+jwt, or be left out\.$/,
    );
  }
});

Deno.test("a header that asks for an extension is refused, whichever it is", () => {
  const extended = [{ crit: ["x"], x: 1 }, { crit: [] }, { crit: "b64" }, { crit: null }];
  for (const header of extended) {
    assertThrows(
      () => parseToken(withHeader({ alg: "HS256", ...header })),
      /extension .* \(crit\)/,
    );
  }
  const unencoded = [{ b64: false }, { b64: false, crit: ["b64"] }, { b64: "true" }];
  for (const header of unencoded) {
    assertThrows(() => parseToken(withHeader({ alg: "HS256", ...header })), /base64url \(b64\)/);
  }
});

Deno.test("only base64url without padding or white space is a part of a token", () => {
  const token = makeToken({ userId: "alex" }, { secret: "s" });
  const [header, payload, signature] = token.split(".");
  const wrong = [
    ` ${token}`,
    `${token} `,
    `${token}\n`,
    `${token}=`,
    `${token}.`,
    `${header}==.${payload}.${signature}`,
    `${header}.${payload}.${signature?.slice(0, -3)}+/A`,
    `${header}.${payload}.A`,
    `.${payload}.${signature}`,
    `${tokenPart(new Uint8Array([0x7b, 0x22, 0xff, 0x22, 0x3a, 1, 0x7d]))}.${payload}.${signature}`,
  ];
  for (const text of wrong) {
    assertThrows(() => parseToken(text), /^Token refused: it is not a well-formed JWT\.$/);
  }
});

Deno.test("a header without an algorithm, or that is no object, is refused", () => {
  for (const header of [{}, { alg: "" }, { alg: 1 }, { alg: null }, [], "HS256", null, "{"]) {
    assertThrows(() => parseToken(withHeader(header)), /not a well-formed JWT/);
  }
});

Deno.test("headers that follow each other are not mistaken for one another", () => {
  const headers = ["a", "b", "a", undefined, "b"];
  for (const kid of headers) {
    assertEquals(parseToken(withHeader({ alg: "HS256", kid })).header.kid, kid);
  }
});
