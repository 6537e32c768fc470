/**
 * Tokens that are nearly right: none opens a stream unless `jose` says that one of the server's keys has signed it and
 * that it is valid now.
 *
 * @module
 */
import { createHmac } from "node:crypto";
import { createLocalJWKSet, jwtVerify } from "jose";
import { tokenPart } from "../support/jwt.ts";
import type { SeededRandom } from "../support/seeded_random.ts";
import { TEST_SECRET } from "../support/server_command.ts";
import { Connection, type WireRequest } from "./connection.ts";
import { expect } from "./finding.ts";
import { type FuzzedServer, now } from "./fuzzed_server.ts";
import { anyName } from "./odd_values.ts";
import { checkAnswer, type Round, type Subject } from "./subject.ts";

const TOKENS = 100;

export const tokens: Subject = { name: "tokens", weight: 3, run };

async function run({ server, random, tally }: Round): Promise<void> {
  const requests: (WireRequest & { readonly token: string; readonly isValid: boolean })[] = [];
  for (let n = 0; n < TOKENS; n++) {
    const token = anyToken(server, random);
    const isValid = await isValidToJose(token, server);
    requests.push({ ...requestWith(token, random), token, isValid });
  }
  let left = requests;
  while (left.length > 0) {
    using connection = await Connection.open(server.clientOrigin);
    // One that may be accepted opens a stream, behind which no other answer comes.
    const last = left.findIndex(({ isValid }) => isValid);
    const sent = last < 0 ? left : left.slice(0, last + 1);
    const refused = last < 0 ? sent : sent.slice(0, -1);
    const answers = await connection.exchange(refused);
    for (const [index, answer] of answers.entries()) {
      const { bytes, token } = refused[index] ?? sent[0] as typeof sent[0];
      tally.add(answer.status);
      checkAnswer(answer, bytes);
      const isRefused = answer.status === 401 || answer.status === 400 || answer.status === 403;
      expect(isRefused, () => `${token} was answered with ${answer.status}`, bytes);
    }
    left = left.slice(answers.length);
    const valid = left[0];
    if (answers.length < refused.length || valid?.isValid !== true) continue;
    await connection.send(valid.bytes);
    const head = await connection.readHead();
    expect(head !== undefined, () => "a valid token got no answer", valid.bytes);
    expect(head.status < 500, () => `a valid token got ${head.status}`, valid.bytes);
    tally.add(head.status);
    left = left.slice(1);
  }
}

/** Whether it may be accepted, by another library than the server verifies secrets with. */
async function isValidToJose(token: string, { issuer }: FuzzedServer): Promise<boolean> {
  const secret = jwtVerify(token, new TextEncoder().encode(TEST_SECRET), {
    algorithms: ["HS256", "HS384", "HS512"],
  });
  const isBySecret = await secret.then(() => true, isNotOurQuarrel);
  if (isBySecret || issuer === undefined) return isBySecret;
  const { kid: _, ...jwk } = issuer.jwk;
  const set = createLocalJWKSet({ keys: [jwk as { readonly kty: string }] });
  return await jwtVerify(token, set, {
    algorithms: ["RS256", "RS384", "RS512", "PS256", "PS384", "PS512"],
  })
    .then(() => true, isNotOurQuarrel);
}

/**
 * The server reads times in quotation marks, as its predecessor did, and a fraction of a second; `jose` refuses some
 * of them. What it says of the signature alone counts then.
 */
function isNotOurQuarrel(error: unknown): boolean {
  const { code, message } = error as Error & { readonly code?: string };
  return code === "ERR_JWT_CLAIM_VALIDATION_FAILED" && /must be a number/.test(message);
}

function requestWith(token: string, random: SeededRandom): WireRequest {
  const [query, head] = random.pick([
    ["", `Authorization: Bearer ${token}\r\n`],
    ["", `Authorization: bearer  ${token}\r\n`],
    [`?token=${encodeURIComponent(token)}`, ""],
    ["", `Cookie: a=b; sse_token=${token}; c=d\r\n`],
    [`?token=${encodeURIComponent(token)}&channel=chat`, `X-Forwarded-For: 10.0.0.9\r\n`],
  ]);
  const text = `GET /events/${query} HTTP/1.1\r\nHost: localhost\r\n${head}\r\n`;
  return { method: "GET", bytes: new TextEncoder().encode(text) };
}

const ALGORITHMS = [
  ...[
    "HS256",
    "HS256",
    "HS384",
    "HS512",
    "none",
    "None",
    "hs256",
    "RS256",
    "ES256",
    "PS256",
    "EdDSA",
  ],
  ...["", "HS256 ", "A256KW", "dir"],
];

function anyToken(server: FuzzedServer, random: SeededRandom): string {
  const header = {
    alg: random.chance(0.6) ? "HS256" : random.pick([...ALGORITHMS, 5, null, ["HS256"]]),
    ...(random.chance(0.7) &&
      { typ: random.pick(["JWT", "JWT", "at+jwt", "logout+jwt", "jwt", 5, null]) }),
    ...(random.chance(0.05) && { crit: random.pick([["b64"], [], ["exp"], "b64"]) }),
    ...(random.chance(0.05) && { b64: random.pick([true, false, "false"]) }),
    ...(random.chance(0.05) && { kid: random.pick(["k1", "../../dev/null", 5, "' OR 1=1"]) }),
    ...(random.chance(0.05) && { jwk: server.issuer?.jwk ?? { kty: "oct", k: "AAAA" } }),
    ...(random.chance(0.05) && { jku: "http://127.0.0.1:1/keys", x5u: "http://127.0.0.1:1/" }),
    ...(random.chance(0.03) && { zip: "DEF" }),
  };
  const content = `${tokenPart(header)}.${tokenPart(anyPayload(random))}`;
  const token = `${content}.${signature(content, header.alg, server, random)}`;
  return random.chance(0.25) ? mutated(token, random) : token;
}

function anyPayload(random: SeededRandom): unknown {
  const time = () =>
    random.pick<unknown>([
      ...[
        now() + 100,
        now() + 100,
        now() + 100,
        now() - 100,
        String(now() + 100),
        now() + 99.5,
        0,
        -1,
        1e300,
      ],
      ...[null, true, "soon", [now() + 100], {}, "", "1e99"],
    ]);
  const claims = {
    userId: random.chance(0.8) ? anyName(random) : random.pick([5, 1.5, null, [], {}, true]),
    channel: random.chance(0.6) ? anyName(random) : random.pick<unknown>([
      [],
      ["a", "b"],
      ["a", 5],
      {},
      null,
      Array(101).fill("x"),
      "a".repeat(5000),
      [["a"]],
    ]),
    ...(random.chance(0.8) && { exp: time() }),
    ...(random.chance(0.2) && { nbf: time() }),
    ...(random.chance(0.2) && { iat: time() }),
    ...(random.chance(0.1) && { jti: random.pick([5, "", "x", null, "\0"]) }),
  };
  const text = JSON.stringify(claims);
  return random.weighted({ whole: 20, twice: 1, other: 1, deep: 0.5, cut: 1 }) === "whole"
    ? claims
    : random.pick<unknown>([
      text.replace("{", '{"userId":"root",'),
      text.replace("{", '{"exp":99999999999,'),
      ...[
        "[]",
        "5",
        "null",
        '"x"',
        "",
        "{",
        "[".repeat(5000),
        `{"a":${"[".repeat(3000)}${"]".repeat(3000)}}`,
      ],
      ...[text.slice(0, -1), `\uFEFF${text}`, ` ${text} `, Uint8Array.from([0xff, 0xfe])],
    ]);
}

function signature(
  content: string,
  algorithm: unknown,
  { issuer }: FuzzedServer,
  random: SeededRandom,
): string {
  const hash = { HS256: "sha256", HS384: "sha384", HS512: "sha512" }[String(algorithm)] ?? "sha256";
  const secret = random.weighted({ right: 8, wrong: 1, empty: 0.5, pem: 0.5 });
  const key =
    { right: TEST_SECRET, wrong: `${TEST_SECRET} `, empty: "", pem: issuer?.pem ?? "" }[secret];
  if (random.chance(0.05)) return "";
  return createHmac(hash, key).update(content).digest("base64url");
}

function mutated(token: string, random: SeededRandom): string {
  const at = random.between(0, token.length - 1);
  return random.pick([
    () => token.slice(0, at) + random.pick(["A", "-", "_", "=", ".", "%2E"]) + token.slice(at + 1),
    () => token.slice(0, at) + token.slice(at + 1),
    () => token.slice(0, at),
    () => `${token}=`,
    () => `${token}.`,
    () => `${token}.${token}`,
    () => token.replaceAll(".", ".."),
    () => token.replaceAll("-", "+").replaceAll("_", "/"),
    () => token.split(".").toReversed().join("."),
    () => token.split(".").slice(0, 2).join(".") + ".",
  ])();
}
