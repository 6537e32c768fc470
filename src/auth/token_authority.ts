import { type Clock, wholeMilliseconds } from "../lib/clock.ts";
import { BadField, CannotSign, TokenRefused } from "../lib/errors.ts";
import { putAt } from "./claim_path.ts";
import type { ClaimRules } from "./claim_rules.ts";
import { ClaimReader, type Claims, type TokenClaims } from "./claims.ts";
import { keyGone, overLimit, tooManyBytes } from "./token_refusals.ts";
import { Grants } from "./grant_template.ts";
import type { KeyMaterial } from "./key_material.ts";
import type { Verdict } from "./key_source.ts";
import { Keyring } from "./keyring.ts";
import { signToken } from "./jwt_library.ts";
import { type KeyObserver, unobserved } from "./key_observer.ts";
import { parseToken, readPayload, type SignedToken } from "./signed_token.ts";
import type { TokenVerifier } from "./token_verifier.ts";

/** The claims of a token to sign. */
export interface TokenRequest {
  readonly user: string;
  /** Names of channels, and patterns. */
  readonly channels: readonly string[];
  /** Seconds from now until the token expires. */
  readonly lifetime: number;
}

/** Signs and verifies tokens (JWT, RFC 7519). */
export class TokenAuthority implements TokenVerifier {
  readonly #rules: ClaimRules;
  readonly #reader: ClaimReader;
  readonly #personalGrants: Grants;
  readonly #clock: Clock;
  readonly #observer: KeyObserver;
  #keyring: Keyring;

  /**
   * Begins to fetch the key sets that have an address.
   *
   * @throws StartError naming the key file whose content is wrong.
   */
  constructor(
    keys: KeyMaterial,
    rules: ClaimRules,
    clock: Clock,
    observer: KeyObserver = unobserved,
  ) {
    this.#rules = rules;
    this.#reader = new ClaimReader(rules);
    this.#personalGrants = new Grants(rules.grants.filter(({ claims }) => claims.length > 0));
    this.#clock = clock;
    this.#observer = observer;
    this.#keyring = new Keyring(keys, clock, observer);
  }

  /** Whether there is a secret to sign with. */
  get canSign(): boolean {
    return this.#keyring.canSign;
  }

  /** See {@link Keyring.missingReasons}. */
  get missingKeys(): readonly string[] {
    return this.#keyring.missingReasons;
  }

  /**
   * Takes other keys from now on. A key set of the same address keeps what it knows, and is fetched again.
   *
   * @throws StartError naming the key file whose content is wrong; the keys stay as they were then.
   */
  useKeys(keys: KeyMaterial): void {
    const previous = this.#keyring;
    this.#keyring = new Keyring(keys, this.#clock, this.#observer, previous);
    previous.close(this.#keyring);
    this.#observer.changed();
  }

  /**
   * The channels that the requested token would grant its user alone: those that it names, and those that
   * the rules make of its claims.
   */
  grantedBy(request: TokenRequest): readonly string[] {
    try {
      return [...request.channels, ...this.#personalGrants.fill(this.#namesOf(request))];
    } catch (error) {
      // No stream opens with such a token, so it grants no more.
      if (error instanceof TokenRefused) return request.channels;
      throw error;
    }
  }

  /**
   * A token with the requested claims, which passes this server's own checks, signed with HS256.
   *
   * @param nowSeconds the start of the lifetime, in seconds since 1970.
   * @param notIssuedBefore the token says that it was issued then or later, whatever the clock says.
   * @throws BadField naming `channel` if the token would name too many channels, or be too long with them;
   *   CannotSign without a secret.
   */
  async sign(
    request: TokenRequest,
    nowSeconds: number,
    notIssuedBefore = -Infinity,
  ): Promise<string> {
    const { channels, lifetime } = request;
    const { maxChannels, maxBytes, issuers, audiences, leewaySeconds } = this.#rules;
    const { signingKey } = this.#keyring;
    if (signingKey === undefined) {
      throw new CannotSign(
        "Cannot make a token: this server has no secret to sign with. The issuer of its public keys makes the tokens.",
      );
    }
    if (channels.length > maxChannels) {
      throw new BadField(
        "channel",
        `Bad field channel: it names ${channels.length} channels, ${overLimit(maxChannels)}.`,
      );
    }
    const payload = this.#namesOf(request);
    payload.exp = Math.floor(nowSeconds) + lifetime;
    // Whoever reads it takes the leeway off.
    payload.iat = Math.max(nowSeconds, wholeMilliseconds(notIssuedBefore + leewaySeconds));
    payload.jti = newTokenId();
    if (issuers.length > 0) payload.iss = issuers[0];
    if (audiences.length > 0) payload.aud = audiences[0];
    const token = await signToken(payload, signingKey);
    if (token.length <= maxBytes) return token;
    throw new BadField(
      "channel",
      `Bad field channel: with it the token ${tooManyBytes(token, maxBytes)}.`,
    );
  }

  /** A token that is signed with a shared secret is answered at once; see {@link TokenVerifier.verify}. */
  verify(text: string, nowSeconds: number): TokenClaims | Promise<TokenClaims> {
    const token = parseToken(text);
    const verdict = this.#keyring.verify(token);
    return verdict instanceof Promise
      ? verdict.then((verdict) => this.#read(token, verdict, nowSeconds))
      : this.#read(token, verdict, nowSeconds);
  }

  hasKeyOf({ keyId }: Claims): boolean {
    return keyId === undefined || this.#keyring.has(keyId);
  }

  /** Fetches no more key sets. */
  close(): void {
    this.#keyring.close();
  }

  /** The claims of a token that say who hears what. */
  #namesOf({ user, channels }: TokenRequest): Record<string, unknown> {
    const paths = this.#rules;
    const payload: Record<string, unknown> = {};
    putAt(payload, paths.user, user);
    const [first, ...others] = channels;
    if (paths.channels !== undefined) putAt(payload, paths.channels, channels);
    else payload.channel = others.length === 0 ? first : channels;
    return payload;
  }

  #read(token: SignedToken, verdict: Verdict, nowSeconds: number): TokenClaims {
    if (typeof verdict !== "string") throw verdict;
    // While a key was looked for, it may have gone.
    if (!this.#keyring.has(verdict)) {
      throw keyGone();
    }
    const isPublic = !this.#keyring.isSecret(verdict);
    return this.#reader.read(readPayload(token), nowSeconds, { id: verdict, isPublic });
  }
}

/** 128 random bits. */
function newTokenId(): string {
  return crypto.getRandomValues(new Uint8Array(16)).toBase64({
    alphabet: "base64url",
    omitPadding: true,
  });
}
