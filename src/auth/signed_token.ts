import { TokenRefused } from "../lib/errors.ts";

/** A token's three parts (RFC 7515, 7.1) and what its header says. Its signature is not verified yet. */
export interface SignedToken {
  /** The whole token. */
  readonly text: string;
  readonly header: TokenHeader;
  /** What was signed: header and payload, as they came. */
  readonly signingInput: string;
  /** In base64url. */
  readonly payload: string;
  readonly signature: Uint8Array;
}

/** The parts of a header that select the key to verify with; they never decide how a key is used. */
export interface TokenHeader {
  readonly alg: string;
  readonly kid: string | undefined;
}

/** Tokens of people, and OAuth access tokens (RFC 9068). Others, such as logout tokens, are not meant for a stream. */
const TYPES = ["JWT", "AT+JWT"];

/**
 * Reads a token as far as that goes without a key.
 *
 * @throws TokenRefused for what is not three parts of base64url with a header that this server understands.
 */
export function parseToken(text: string): SignedToken {
  const headerEnd = text.indexOf(".");
  const payloadEnd = text.indexOf(".", headerEnd + 1);
  if (headerEnd < 0 || payloadEnd < 0) throw notWellFormed();
  const payload = text.slice(headerEnd + 1, payloadEnd);
  if (!BASE64URL.test(payload)) throw notWellFormed();
  return {
    text,
    header: headerOf(text.slice(0, headerEnd)),
    signingInput: text.slice(0, payloadEnd),
    payload,
    signature: decode(text.slice(payloadEnd + 1)),
  };
}

/**
 * The JSON of a token's payload.
 *
 * @throws TokenRefused if it is none, or if it has two members of one name (RFC 7519, 4): programs
 *   disagree on which of them counts.
 */
export function readPayload({ payload }: SignedToken): unknown {
  const bytes = decode(payload);
  let text: string;
  let value: unknown;
  try {
    text = utf8.decode(bytes);
    value = JSON.parse(text);
  } catch {
    throw new TokenRefused("malformed", "Token refused: its payload is not JSON.");
  }
  if (countNames(text) !== countMembers(value)) {
    throw new TokenRefused("malformed", "Token refused: its payload has a claim twice.");
  }
  return value;
}

/** How many members a JSON text names: each has its colon, outside of all texts. */
function countNames(text: string): number {
  return text.replace(/"[^"\\]*(?:\\.[^"\\]*)*"/g, "").split(":").length - 1;
}

/** How many members a value has at all depths: fewer than its JSON names if a name is in there twice. */
function countMembers(value: unknown): number {
  if (typeof value !== "object" || value === null) return 0;
  let count = Array.isArray(value) ? 0 : Object.keys(value).length;
  for (const member of Object.values(value)) count += countMembers(member);
  return count;
}

const utf8 = new TextDecoder("utf-8", { fatal: true });

/** Nearly all tokens of an issuer begin with the same header. */
let last: { readonly text: string; readonly header: TokenHeader } | undefined;

function headerOf(text: string): TokenHeader {
  if (last?.text !== text) last = { text, header: readHeader(text) };
  return last.header;
}

function readHeader(text: string): TokenHeader {
  const { alg, kid, typ, crit, b64 } = parseHeader(text);
  if (typeof alg !== "string" || alg === "") throw notWellFormed();
  if (b64 !== undefined && b64 !== true) {
    throw new TokenRefused("malformed", "Token refused: its payload is not in base64url (b64).");
  }
  if (crit !== undefined) {
    throw new TokenRefused(
      "malformed",
      "Token refused: it asks for an extension that this server does not have (crit).",
    );
  }
  if (typ !== undefined && !isTokenType(typ)) {
    throw new TokenRefused(
      "malformed",
      "Token refused: its typ must be JWT or at+jwt, or be left out.",
    );
  }
  return { alg, kid: typeof kid === "string" ? kid : undefined };
}

function parseHeader(text: string): Readonly<Record<string, unknown>> {
  const bytes = decode(text);
  try {
    const header: unknown = JSON.parse(utf8.decode(bytes));
    if (typeof header === "object" && header !== null && !Array.isArray(header)) {
      return header as Record<string, unknown>;
    }
  } catch {
    // Refused below.
  }
  throw notWellFormed();
}

/** The prefix may be left out, and case does not count (RFC 7515, 4.1.9). */
function isTokenType(typ: unknown): boolean {
  return typeof typ === "string" &&
    TYPES.includes(typ.toUpperCase().replace(/^APPLICATION\//, ""));
}

/** Strict: `Uint8Array.fromBase64` alone would skip white space and padding. */
const BASE64URL = /^[\w-]*$/;

function decode(text: string): Uint8Array {
  if (!BASE64URL.test(text)) throw notWellFormed();
  try {
    return Uint8Array.fromBase64(text, { alphabet: "base64url" });
  } catch {
    throw notWellFormed();
  }
}

function notWellFormed(): TokenRefused {
  return new TokenRefused("malformed", "Token refused: it is not a well-formed JWT.");
}
