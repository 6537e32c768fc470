/**
 * What this server has a library do about tokens and keys: the one module that knows `jose`.
 *
 * @module
 */
import type { KeyObject } from "node:crypto";
import {
  compactVerify,
  createLocalJWKSet,
  createRemoteJWKSet,
  customFetch,
  errors,
  type FetchImplementation,
  type JWK,
  SignJWT,
} from "jose";

/** A public key as a key set has it (JWK, RFC 7517). */
export type Jwk = JWK;

/** Signs a token with HS256. */
export function signToken(
  payload: Readonly<Record<string, unknown>>,
  key: CryptoKey,
): Promise<string> {
  return new SignJWT(payload).setProtectedHeader({ alg: "HS256", typ: "JWT" }).sign(key);
}

/** Whether a token is signed with a key, by this algorithm and no other. */
export async function isSignatureOf(
  key: KeyObject | CryptoKey,
  token: string,
  algorithm: string,
): Promise<boolean> {
  try {
    await compactVerify(token, key, { algorithms: [algorithm] });
    return true;
  } catch (error) {
    if (error instanceof errors.JOSEError) return false;
    throw error;
  }
}

/** What a token's header says of its key. */
export interface KeyHint {
  readonly alg: string;
  readonly kid?: string;
}

/** The keys of a set that fit a token: more than one only if several have its name, or it names none. */
export type FindKeys = (hint: KeyHint) => Promise<readonly CryptoKey[]>;

/** Finds keys in a set. */
export function keysOf(keys: readonly Jwk[]): FindKeys {
  const select = createLocalJWKSet({ keys: [...keys] });
  return async (hint) => {
    try {
      return [await select({ ...hint })];
    } catch (error) {
      if (error instanceof errors.JWKSMultipleMatchingKeys) return await Array.fromAsync(error);
      if (error instanceof errors.JWKSNoMatchingKey) return [];
      throw error;
    }
  };
}

/**
 * Fetches a key set.
 *
 * @throws Error saying what is wrong, if there is no answer in five seconds, or none with a key set.
 */
export async function fetchKeySet(url: string): Promise<unknown> {
  const remote = createRemoteJWKSet(new URL(url), { [customFetch]: fetchSet });
  await remote.reload();
  return remote.jwks();
}

/** Hundreds of keys with their certificates. */
const MAX_SET_BYTES = 1_048_576;

/**
 * jose would leave the body of another answer unread, and its connection open, and would read on for
 * five seconds what a wrong address sends: gigabytes.
 */
const fetchSet: FetchImplementation = async (url, options) => {
  const response = await fetch(url, options).catch(explain);
  if (response.status === 200) return new Response(await readSet(response));
  await response.body?.cancel();
  throw new Error(`it answered with status ${response.status}`);
};

async function readSet({ body }: Response): Promise<Blob> {
  const chunks: Uint8Array<ArrayBuffer>[] = [];
  let bytes = 0;
  for await (const chunk of body ?? []) {
    bytes += chunk.length;
    if (bytes > MAX_SET_BYTES) throw new Error("it answered with more than 1 MiB");
    chunks.push(chunk);
  }
  return new Blob(chunks);
}

/** Deno says no more than "fetch failed", and why in the error's cause, after the address. */
function explain(error: unknown): never {
  const { cause } = error as Error;
  if (!(cause instanceof Error)) throw error;
  throw new Error(cause.message.replace(/^error sending request for url \(.*?\): /, ""));
}
