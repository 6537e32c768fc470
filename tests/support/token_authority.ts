/**
 * Token authorities with the keys and rules that a test names.
 *
 * @module
 */
import { type ClaimRules, OWN_FORM } from "../../src/auth/claim_rules.ts";
import type { KeyMaterial } from "../../src/auth/key_material.ts";
import type { KeyObserver } from "../../src/auth/key_observer.ts";
import { TokenAuthority } from "../../src/auth/token_authority.ts";
import type { Clock } from "../../src/lib/clock.ts";
import { FakeClock } from "./fake_clock.ts";

/** No key of any kind, besides those that a test names. */
export function keysOf(keys: Partial<KeyMaterial>): KeyMaterial {
  return { secrets: [], publicKeys: [], keySets: [], keySetUrls: [], ...keys };
}

/** An authority; its rules are those of tokens in the server's own form, but for those that are given. */
export function authorityWith(
  keys: Partial<KeyMaterial>,
  rules: Partial<ClaimRules> = {},
  { clock = new FakeClock(), observer }: { clock?: Clock; observer?: KeyObserver } = {},
): TokenAuthority {
  return new TokenAuthority(keysOf(keys), { ...OWN_FORM, ...rules }, clock, observer);
}
