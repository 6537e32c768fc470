import { TokenAuthority } from "../auth/token_authority.ts";
import { readMintConfig } from "../config/config.ts";
import { systemClock } from "../lib/clock.ts";
import { BadField, UsageError } from "../lib/errors.ts";
import { readTokenRequest } from "../requests/token_request.ts";
import { readSecretLines } from "../server/secrets.ts";

/**
 * The token that `sse-server token` prints, signed without a running server.
 *
 * @param flags the values of `TOKEN_OPTIONS` by name.
 * @param environment looks up one variable.
 * @throws UsageError naming the flag that is missing or wrong, StartError for an unreadable secret file.
 */
export async function mintToken(
  flags: Readonly<Record<string, readonly string[]>>,
  environment: (name: string) => string | undefined,
): Promise<string> {
  const config = readMintConfig(flags, environment);
  const secrets = [...config.secrets, ...config.secretFiles.flatMap(readSecretLines)];
  if (secrets.length === 0) {
    throw new UsageError(
      "Missing secret: give -secret or -secret-file, the same as the server's.",
    );
  }
  try {
    const names = Object.keys(flags);
    const request = readTokenRequest({
      all: (name) => flags[name] ?? [],
      names: () => names,
      size: names.length,
    });
    const keys = { secrets, publicKeys: [], keySets: [], keySetUrls: [] };
    const tokens = new TokenAuthority(keys, config.claimRules, systemClock);
    return await tokens.sign(request, systemClock.wall() / 1000);
  } catch (error) {
    if (!(error instanceof BadField)) throw error;
    throw new UsageError(
      error.message.replace(`field ${error.field}`, `flag -${error.field}`),
    );
  }
}
