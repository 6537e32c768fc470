/**
 * Tokens that a server with a secret, a public key and a key set must refuse: each with a sentence that says why.
 *
 * @module
 */
import { assertEquals } from "../../support/assert.ts";
import { IssuerKey, keySetFile } from "../../support/issuer_key.ts";
import { makeToken } from "../../support/jwt.ts";
import { Listeners } from "../../support/listeners.ts";

const SECRET = "the secret";
const ISSUER = "https://issuer.example/";
const KEYS = {
  pem: new IssuerKey("RSA"),
  ec: new IssuerKey("P-256", "ec"),
  p384: new IssuerKey("P-384", "p384"),
  twice: [new IssuerKey("P-256", "twice"), new IssuerKey("P-256", "twice")],
} as const;
const NOT_OURS = new IssuerKey("P-256", "ec");

/** A listener's clock stands still. */
const NOW = new Date(Date.UTC(2026, 10, 22, 7, 30)).getTime() / 1000;
const YEAR = 366 * 86_400;
const CLAIMS = { sub: "alex", iss: ISSUER, aud: ["other", "sse"], exp: NOW + 60 };

function ec(claims: object | string, header: Readonly<Record<string, unknown>> = {}): string {
  return KEYS.ec.token(typeof claims === "string" ? claims : { ...CLAIMS, ...claims }, header);
}

function listen(): Promise<Listeners> {
  return Listeners.make({
    keys: {
      secrets: [SECRET],
      publicKeys: [{ file: "key.pem", content: KEYS.pem.pem }],
      keySets: [keySetFile(KEYS.ec, KEYS.p384, ...KEYS.twice)],
    },
    claimRules: {
      issuers: [ISSUER],
      audiences: ["sse"],
      user: { text: "sub", names: ["sub"] },
      grants: [{ texts: ["user.", ""], claims: [{ text: "sub", names: ["sub"] }] }],
    },
  });
}

async function ask(listeners: Listeners, token: string): Promise<string> {
  const headers = { Authorization: `Bearer ${token}` };
  const response = await listeners.client("/events/", { headers });
  if (response.status === 200) {
    await response.body?.cancel();
    return "accepted";
  }
  return `${response.status} ${(await response.text()).trim()}`;
}

const ACCEPTED: Readonly<Record<string, () => string>> = {
  "a token of the key set": () => ec({}),
  "a token of the public key": () => KEYS.pem.token(CLAIMS, { alg: "PS256" }),
  "a token of the secret": () => makeToken(CLAIMS, { secret: SECRET }),
  "one audience, as a text": () => ec({ aud: "sse" }),
  "a token that begins now and has no end": () => ec({ nbf: NOW, exp: undefined }),
  "an end in a year": () => ec({ exp: NOW + YEAR }),
};

const REFUSED: Readonly<Record<string, readonly [token: () => string, sentence: string]>> = {
  "alg none": [
    () => makeToken(CLAIMS, { secret: SECRET, algorithm: "none" }),
    "it must be signed with HS256, HS384, HS512, RS256, RS384, RS512, PS256, PS384, PS512, ES256 or ES384.",
  ],
  "HMAC with the bytes of the public key": [
    () => makeToken(CLAIMS, { secret: KEYS.pem.pem }),
    "its signature does not match the server's secret.",
  ],
  "HMAC with the public key as it stands in the set": [
    () => makeToken(CLAIMS, { secret: JSON.stringify(KEYS.ec.jwk), header: { kid: "ec" } }),
    "its signature does not match the server's secret.",
  ],
  "a key of the wrong curve": [
    () => ec({}, { kid: "p384" }),
    "the issuer's key set has no key of its name and algorithm (kid, alg).",
  ],
  "an algorithm that no key takes": [
    () => new IssuerKey("P-521", "ec").token(CLAIMS),
    "it must be signed with HS256, HS384, HS512, RS256, RS384, RS512, PS256, PS384, PS512, ES256 or ES384.",
  ],
  "another key of the same name": [
    () => NOT_OURS.token(CLAIMS),
    "its signature does not match the issuer's key.",
  ],
  "another key, of the public key's kind": [
    () => new IssuerKey("RSA").token(CLAIMS),
    "its signature does not match the server's public key.",
  ],
  "two keys with one kid": [
    () => KEYS.twice[0].token(CLAIMS),
    "the issuer's key set has several keys of its name (kid).",
  ],
  "b64: false": [
    () => ec({}, { b64: false, crit: ["b64"] }),
    "its payload is not in base64url (b64).",
  ],
  "an unknown crit": [
    () => ec({}, { crit: ["x"], x: 1 }),
    "it asks for an extension that this server does not have (crit).",
  ],
  "a logout token": [
    () => ec({}, { typ: "logout+jwt" }),
    "its typ must be JWT or at+jwt, or be left out.",
  ],
  "exp as a string": [
    () => ec({ exp: `${NOW + 60}` }),
    "its claim exp must be a number of seconds.",
  ],
  "exp as a float": [
    () => ec({ exp: NOW + 60.5 }),
    "its claim exp must be a whole number of seconds.",
  ],
  "exp more than a year from now": [
    () => ec({ exp: NOW + YEAR + 1 }),
    "its claim exp is more than a year ahead; it counts seconds.",
  ],
  "exp in milliseconds": [
    () => ec({ exp: (NOW + 60) * 1000 }),
    "its claim exp is more than a year ahead; it counts seconds.",
  ],
  "exp of 1e308": [
    () => ec({ exp: 1e308 }),
    "its claim exp is more than a year ahead; it counts seconds.",
  ],
  "exp beyond all numbers": [
    () => ec(JSON.stringify(CLAIMS).replace(/"exp":\d+/, '"exp":1e999')),
    "its claim exp must be a whole number of seconds.",
  ],
  "exp now": [() => ec({ exp: NOW }), "it has expired."],
  "nbf ahead": [() => ec({ nbf: NOW + 1 }), "it is not valid yet (nbf)."],
  "a duplicated claim": [
    () => ec(JSON.stringify(CLAIMS).replace(/}$/, ',"su\\u0062":"root"}')),
    "its payload has a claim twice.",
  ],
  "a claim duplicated deep inside": [
    () => ec(JSON.stringify(CLAIMS).replace(/}$/, ',"a":[{"b":"x:\\"y","b":1}]}')),
    "its payload has a claim twice.",
  ],
  "another issuer": [
    () => ec({ iss: ISSUER.slice(0, -1) }),
    "its claim iss is not an issuer that is accepted here (-issuer).",
  ],
  "no issuer": [
    () => makeToken({ ...CLAIMS, iss: undefined }, { secret: SECRET }),
    "its claim iss is not an issuer that is accepted here (-issuer).",
  ],
  "another audience": [
    () => ec({ aud: ["other", "SSE"] }),
    "its claim aud does not name this server (-audience).",
  ],
  "no user": [
    () => ec({ sub: undefined }),
    "its claim sub is missing (-claim-user).",
  ],
  "a user that is a pattern": [
    () => ec({ sub: "*" }),
    "its claim sub contains * or a character that stands next to a claim in -grant.",
  ],
  "a user with a separator": [
    () => ec({ sub: "alex.admin" }),
    "its claim sub contains * or a character that stands next to a claim in -grant.",
  ],
};

Deno.test("tokens that are refused below are accepted without what is wrong with them", async () => {
  using listeners = await listen();
  for (const [name, token] of Object.entries(ACCEPTED)) {
    assertEquals(await ask(listeners, token()), "accepted", name);
  }
});

Deno.test("each wrong token is refused with its own sentence, and opens no stream", async () => {
  using listeners = await listen();
  for (const [name, [token, sentence]] of Object.entries(REFUSED)) {
    assertEquals(await ask(listeners, token()), `401 Token refused: ${sentence}`, name);
  }
  assertEquals([listeners.hub.size, listeners.hub.disconnects], [0, {}]);
});

Deno.test("with a leeway, an end and a beginning are that much wider", async () => {
  const key = new IssuerKey();
  using listeners = await Listeners.make({
    keys: { keySets: [keySetFile(key)] },
    claimRules: { leewaySeconds: 10 },
  });
  const token = (claims: object) => key.token({ userId: "alex", channel: "chat", ...claims });
  assertEquals(await ask(listeners, token({ exp: NOW - 9 })), "accepted");
  assertEquals(await ask(listeners, token({ nbf: NOW + 10 })), "accepted");
  assertEquals(
    await ask(listeners, token({ exp: NOW - 10 })),
    "401 Token refused: it has expired.",
  );
  assertEquals(
    await ask(listeners, token({ nbf: NOW + 11 })),
    "401 Token refused: it is not valid yet (nbf).",
  );
});
