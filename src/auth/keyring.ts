import type { Clock } from "../lib/clock.ts";
import { type HttpError, KeysUnavailable, TokenRefused } from "../lib/errors.ts";
import type { KeyObserver } from "./key_observer.ts";
import type { KeyMaterial } from "./key_material.ts";
import { KeySet } from "./key_set.ts";
import type { KeySource, Verdict } from "./key_source.ts";
import { PublicKeys } from "./public_keys.ts";
import { RemoteKeySet } from "./remote_key_set.ts";
import { SharedSecrets } from "./shared_secrets.ts";
import type { SignedToken } from "./signed_token.ts";

/** All keys that a server has at one moment. */
export class Keyring {
  readonly #secrets: SharedSecrets;
  readonly #remotes: readonly RemoteKeySet[];
  readonly #sources: readonly KeySource[];

  /**
   * @param previous its key sets that are fetched from the same addresses are kept, with what they know.
   * @throws StartError naming the file whose content is wrong; nothing is fetched then.
   */
  constructor(
    { secrets, publicKeys, keySets, keySetUrls }: KeyMaterial,
    clock: Clock,
    observer: KeyObserver,
    previous?: Keyring,
  ) {
    this.#secrets = new SharedSecrets(secrets);
    const fromFiles = [
      ...(publicKeys.length > 0 ? [new PublicKeys(publicKeys)] : []),
      ...keySets.map((file) => KeySet.fromFile(file)),
    ];
    this.#remotes = keySetUrls.map((url) =>
      previous?.takeOver(url) ?? new RemoteKeySet(url, clock, observer)
    );
    this.#sources = [
      ...(secrets.length > 0 ? [this.#secrets] : []),
      ...fromFiles,
      ...this.#remotes,
    ];
  }

  /** Whether there is a secret to sign with. */
  get canSign(): boolean {
    return this.#sources.includes(this.#secrets);
  }

  /** See {@link SharedSecrets.signingKey}. */
  get signingKey(): CryptoKey | undefined {
    return this.#secrets.signingKey;
  }

  /** Why keys of issuers are missing, a sentence each; empty if none is missing. */
  get missingReasons(): readonly string[] {
    return this.#remotes.map((remote) => remote.missingReason).filter((why) => why !== undefined);
  }

  /** See {@link KeySource.verify}: at once for the algorithms of shared secrets. */
  verify(token: SignedToken): Verdict | Promise<Verdict> {
    const sources = this.#sources.filter(({ algorithms }) => algorithms.includes(token.header.alg));
    const [first, ...others] = sources;
    if (first === undefined) return this.#wrongAlgorithm();
    return others.length === 0 ? first.verify(token) : tryEach(sources, token);
  }

  /** Whether a key is one of the secrets, with which programs of our own sign. */
  isSecret(keyId: string): boolean {
    return this.#secrets.has(keyId);
  }

  /** Whether a key is still here. */
  has(keyId: string): boolean {
    return this.#sources.some((source) => source.has(keyId));
  }

  /** The key set of an address, which is fetched again. */
  takeOver(url: string): RemoteKeySet | undefined {
    const remote = this.#remotes.find((remote) => remote.url === url);
    remote?.fetchAgain();
    return remote;
  }

  /** Ends the fetching of key sets that the next keyring has not taken over. */
  close(next?: Keyring): void {
    for (const remote of this.#remotes) {
      if (next === undefined || !next.#remotes.includes(remote)) remote.close();
    }
  }

  #wrongAlgorithm(): TokenRefused {
    const algorithms = new Set(this.#sources.flatMap(({ algorithms }) => algorithms));
    const shown = alternatives.format(algorithms);
    return new TokenRefused("signature", `Token refused: it must be signed with ${shown}.`);
  }
}

/** British English puts no comma before the last "or". */
const alternatives = new Intl.ListFormat("en-GB", { type: "disjunction" });

/**
 * The first key that verifies a token, without waiting for sources that are slower. If none does: a source
 * whose keys are not known yet might have the right one, which says more than another's refusal.
 */
async function tryEach(sources: readonly KeySource[], token: SignedToken): Promise<Verdict> {
  const refusals: HttpError[] = [];
  const attempts = sources.map(async (source, index) => {
    const verdict = await source.verify(token);
    if (typeof verdict === "string") return verdict;
    throw refusals[index] = verdict;
  });
  try {
    return await Promise.any(attempts);
  } catch (error) {
    const failure = (error as AggregateError).errors.find((one) => !refusals.includes(one));
    if (failure !== undefined) throw failure;
    return refusals.find((one) => one instanceof KeysUnavailable) ??
      refusals.at(-1) as HttpError;
  }
}
