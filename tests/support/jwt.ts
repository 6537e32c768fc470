/**
 * Tokens made by hand with node:crypto, so that the server's own library is not its own judge.
 *
 * @module
 */
import { createHmac } from "node:crypto";

const HASHES: Readonly<Record<string, string>> = {
  HS256: "sha256",
  HS384: "sha384",
  HS512: "sha512",
};

/** What a token is made of besides its claims. */
export interface TokenParts {
  readonly secret: string;
  /** Default: HS256. One that is no HMAC leaves the signature empty, as `alg: none` does. */
  readonly algorithm?: string;
  /** Header fields on top of `alg` and `typ`. */
  readonly header?: Readonly<Record<string, unknown>>;
}

/** One part of a token: bytes or text in base64url, anything else as JSON. */
export function tokenPart(value: unknown): string {
  const bytes = value instanceof Uint8Array
    ? value
    : new TextEncoder().encode(typeof value === "string" ? value : JSON.stringify(value));
  return bytes.toBase64({ alphabet: "base64url", omitPadding: true });
}

/**
 * Makes a token.
 *
 * @param claims The payload: an object, or text to put there as it is.
 */
export function makeToken(
  claims: Readonly<Record<string, unknown>> | string,
  { secret, algorithm = "HS256", header = {} }: TokenParts,
): string {
  const content = `${tokenPart({ alg: algorithm, typ: "JWT", ...header })}.${tokenPart(claims)}`;
  const hash = HASHES[algorithm];
  const signature = hash === undefined
    ? ""
    : createHmac(hash, secret).update(content).digest("base64url");
  return `${content}.${signature}`;
}

/** The claims of a token, whoever signed it. */
export function claimsIn(token: string): Readonly<Record<string, unknown>> {
  const [, payload = ""] = token.split(".");
  return JSON.parse(new TextDecoder().decode(
    Uint8Array.fromBase64(payload, { alphabet: "base64url" }),
  ));
}
