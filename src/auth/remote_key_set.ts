import { KeysUnavailable, reasonOf } from "../lib/errors.ts";
import type { Clock } from "../lib/clock.ts";
import type { KeyObserver } from "./key_observer.ts";
import type { KeySource, Verdict } from "./key_source.ts";
import { fetchKeySet } from "./jwt_library.ts";
import { KeySet, NoSuchKey } from "./key_set.ts";
import { PUBLIC_KEY_ALGORITHMS } from "./public_key.ts";
import type { SignedToken } from "./signed_token.ts";

/** How old a set may get before it is fetched again, so that a key that the issuer takes back goes here too. */
const REFRESH_MS = 300_000;

/** A token with an unknown key may have the set fetched again, but not more often than this. */
const COOLDOWN_MS = 30_000;

/** Pauses between attempts while the issuer is away: doubled each time. */
const RETRY_MS = { least: 1000, most: 30_000 };

/**
 * The key set that an issuer publishes. The last good set serves while the issuer
 * is away; before the first, tokens get {@link KeysUnavailable}.
 */
export class RemoteKeySet implements KeySource {
  readonly url: string;
  /** For messages: the query may hold a secret. */
  readonly #shownUrl: string;
  /** All: the issuer's next key may be of any kind. */
  readonly algorithms = PUBLIC_KEY_ALGORITHMS;
  readonly #clock: Clock;
  readonly #observer: KeyObserver;
  #keys: KeySet | undefined;
  /** Why the last attempt failed. */
  #problem: string | undefined;
  #failures = 0;
  /** When a token with an unknown key last had the set fetched. */
  #askedAgainAt = -Infinity;
  #fetching: Promise<void> | undefined;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #isClosed = false;

  /** Begins to fetch at once, and goes on until it is closed. */
  constructor(url: string, clock: Clock, observer: KeyObserver) {
    this.url = url;
    this.#shownUrl = url.replace(/\?.*/s, "");
    this.#clock = clock;
    this.#observer = observer;
    this.#fetch();
  }

  /** Why no key is known yet; `undefined` once there is one. */
  get missingReason(): string | undefined {
    return this.#keys === undefined ? this.#problem ?? `fetching ${this.#shownUrl}` : undefined;
  }

  async verify(token: SignedToken): Promise<Verdict> {
    // Tokens that come right after the start wait for the first attempt.
    if (this.#keys === undefined) await this.#fetching;
    if (this.#keys === undefined) return unavailable();
    const verdict = await this.#keys.verify(token);
    if (!(verdict instanceof NoSuchKey)) return verdict;
    return await this.#lookAgain(this.#keys, token);
  }

  has(keyId: string): boolean {
    return this.#keys?.has(keyId) ?? false;
  }

  /** Looks for changes now. */
  fetchAgain(): void {
    this.#fetch();
  }

  /** Fetches no more. */
  close(): void {
    this.#isClosed = true;
    clearTimeout(this.#timer);
  }

  /** A key that is in no set that was fetched since its token came does not exist. */
  async #lookAgain(known: KeySet, token: SignedToken): Promise<Verdict> {
    const asks = this.#fetching === undefined;
    if (asks) {
      if (this.#clock.steady() - this.#askedAgainAt < COOLDOWN_MS) return unavailable();
      this.#askedAgainAt = this.#clock.steady();
    }
    await this.#fetch();
    const verdict = await (this.#keys ?? known).verify(token);
    const isSure = asks && this.#problem === undefined;
    return verdict instanceof NoSuchKey && !isSure ? unavailable() : verdict;
  }

  #fetch(): Promise<void> {
    this.#fetching ??= this.#attempt().finally(() => {
      this.#fetching = undefined;
    });
    return this.#fetching;
  }

  async #attempt(): Promise<void> {
    clearTimeout(this.#timer);
    try {
      const keys = new KeySet(await fetchKeySet(this.url));
      if (!this.#isClosed) this.#take(keys);
    } catch (error) {
      if (!this.#isClosed) this.#fail(reasonOf(error));
    }
  }

  #take(keys: KeySet): void {
    this.#keys = keys;
    if (this.#failures > 0) this.#observer.fetched(this.#shownUrl);
    this.#problem = undefined;
    this.#failures = 0;
    this.#timer = setTimeout(() => this.#fetch(), REFRESH_MS);
    this.#observer.changed();
  }

  #fail(reason: string): void {
    this.#problem = `cannot fetch the key set ${this.#shownUrl}: ${reason}`;
    if (this.#failures === 0) this.#observer.failed(this.#shownUrl, reason);
    const pause = Math.min(RETRY_MS.least * 2 ** this.#failures++, RETRY_MS.most);
    this.#timer = setTimeout(() => this.#fetch(), pause);
  }
}

function unavailable(): KeysUnavailable {
  return new KeysUnavailable(
    "Token not verified: the issuer's keys are not available now. Try again in a moment.",
  );
}
