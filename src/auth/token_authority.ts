import { compactVerify, decodeProtectedHeader, errors, SignJWT } from "jose";
import { BadField, TokenRefused } from "../lib/errors.ts";
import { type Claims, overLimit, readClaims } from "./claims.ts";
import { type KeySource, SharedSecret } from "./key_source.ts";

/** The claims of a token to sign. */
export interface TokenRequest {
  readonly user: string;
  readonly channels: readonly string[];
  /** Seconds from now until the token expires. */
  readonly lifetime: number;
}

const SIGNING_ALGORITHM = "HS256";

/** Signs and verifies tokens (JWT, RFC 7519). The only module that imports jose. */
export class TokenAuthority {
  readonly #keys: KeySource;
  readonly #signingKey: CryptoKey;
  readonly #maxChannels: number;

  /**
   * @param keys the keys that may verify a token.
   * @param signingKey an HMAC key with SHA-256, which must be one of `keys`.
   * @param maxChannels the most channels that a token may name; no limit by default.
   */
  constructor(keys: KeySource, signingKey: CryptoKey, maxChannels = Infinity) {
    this.#keys = keys;
    this.#signingKey = signingKey;
    this.#maxChannels = maxChannels;
  }

  /** Makes an authority that signs and verifies with a single secret; `maxChannels` as for the constructor. */
  static async create(secret: string, maxChannels?: number): Promise<TokenAuthority> {
    const shared = await SharedSecret.create(secret);
    return new TokenAuthority(shared, shared.signingKey, maxChannels);
  }

  /**
   * A token with the requested claims, signed with HS256.
   *
   * @param nowSeconds the start of the lifetime, in seconds since 1970.
   * @throws BadField naming `channel` if the token would name too many channels.
   */
  async sign(request: TokenRequest, nowSeconds: number): Promise<string> {
    const { channels } = request;
    if (channels.length > this.#maxChannels) {
      throw new BadField(
        "channel",
        `Bad field channel: it names ${channels.length} channels, ${overLimit(this.#maxChannels)}.`,
      );
    }
    const [first, ...others] = channels;
    return await new SignJWT({
      userId: request.user,
      channel: others.length === 0 ? first : channels,
      exp: Math.floor(nowSeconds) + request.lifetime,
    }).setProtectedHeader({ alg: SIGNING_ALGORITHM, typ: "JWT" }).sign(this.#signingKey);
  }

  /**
   * Verifies a token's signature and its times; returns its claims.
   *
   * @param nowSeconds the time to compare `exp` and `nbf` with, in seconds since 1970.
   * @throws TokenRefused with the reason in plain words.
   */
  async verify(token: string, nowSeconds: number): Promise<Claims> {
    return readClaims(parseJson(await this.#payload(token)), nowSeconds, this.#maxChannels);
  }

  /** The payload of a token whose signature one of the keys verifies. */
  async #payload(token: string): Promise<Uint8Array> {
    const { algorithms } = this.#keys;
    const header = readHeader(token);
    const keys = await this.#keys.keysFor(header);
    if (keys.length === 0) throw wrongAlgorithm(algorithms);
    for (const key of keys) {
      try {
        return (await compactVerify(token, key, { algorithms: [...algorithms] })).payload;
      } catch (error) {
        if (error instanceof errors.JOSEAlgNotAllowed) throw wrongAlgorithm(algorithms);
        if (!(error instanceof errors.JWSSignatureVerificationFailed)) throw notWellFormed();
      }
    }
    throw new TokenRefused("Token refused: its signature does not match the server's secret.");
  }
}

function readHeader(token: string): { readonly alg?: string; readonly kid?: string } {
  try {
    const { alg, kid } = decodeProtectedHeader(token);
    if (typeof alg === "string") return typeof kid === "string" ? { alg, kid } : { alg };
  } catch {
    // Refused below.
  }
  throw notWellFormed();
}

function notWellFormed(): TokenRefused {
  return new TokenRefused("Token refused: it is not a well-formed JWT.");
}

/** British English puts no comma before the last "or". */
const alternatives = new Intl.ListFormat("en-GB", { type: "disjunction" });

function wrongAlgorithm(algorithms: readonly string[]): TokenRefused {
  return new TokenRefused(
    `Token refused: it must be signed with ${alternatives.format(algorithms)}.`,
  );
}

function parseJson(bytes: Uint8Array): unknown {
  try {
    return JSON.parse(new TextDecoder().decode(bytes));
  } catch {
    throw new TokenRefused("Token refused: its payload is not JSON.");
  }
}
