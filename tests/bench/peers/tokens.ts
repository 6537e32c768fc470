import { makeToken } from "../../support/jwt.ts";
import type { TempDir } from "../../support/temp_dir.ts";
import type { Subscription } from "./peer.ts";

/** The secret that this server and the one it replaces verify tokens with. */
export const SECRET = "a secret for the benchmark only, of no use elsewhere";

/** The channel of all, where there is one. */
export const CHANNEL = "bench";

const LIFETIME_SECONDS = 3600;

/** The name that the load generator's `%N` gives: five digits. */
export function numbered(prefix: string, index: number): string {
  return prefix + String(index).padStart(5, "0");
}

/** Makes a token of its claims. */
export type SignToken = (claims: Readonly<Record<string, unknown>>) => string;

const signWithSecret: SignToken = (claims) => makeToken(claims, { secret: SECRET });

/** Writes a token for each subscriber into a file, a line each, and answers its path. */
export function writeTokens(
  folder: TempDir,
  subscription: Subscription,
  sign = signWithSecret,
): Promise<string> {
  const exp = Math.floor(Date.now() / 1000) + LIFETIME_SECONDS;
  const tokens = Array.from({ length: subscription.subscribers }, (_, index) =>
    sign({
      userId: subscription.tokens === "each" ? numbered("u", index) : "all",
      channel: subscription.channels === "each" ? numbered("c", index) : CHANNEL,
      exp,
    }));
  return folder.write("tokens", tokens.map((token) => token + "\n").join(""));
}
