import type { TokenRequest } from "../auth/token_authority.ts";
import { BadField } from "../lib/errors.ts";
import { checkName, type Fields, missing, required, requiredName } from "./fields.ts";

/** Ten years. A larger number is a mistake, such as a Unix time instead of a lifetime. */
const MAX_LIFETIME = 315_576_000;

/**
 * Reads the fields of a token request.
 *
 * @throws BadField naming the field that is missing or wrong.
 */
export function readTokenRequest(fields: Fields): TokenRequest {
  const user = requiredName(fields, "userId", "the user's name");
  const channels = fields.all("channel");
  if (channels.length === 0 || channels.includes("")) {
    throw missing(fields, "channel", "the channel's name");
  }
  for (const channel of channels) checkName("channel", channel);
  return {
    user,
    channels: [...new Set(channels)],
    lifetime: readLifetime(fields),
  };
}

function readLifetime(fields: Fields): number {
  const text = required(
    fields,
    "exp",
    "seconds from now until the token expires",
  );
  const seconds = /^[0-9]+$/.test(text) ? Number(text) : 0;
  if (seconds < 1) {
    throw new BadField(
      "exp",
      "Bad field exp: it must be a whole number of seconds from now, at least 1.",
    );
  }
  if (seconds <= MAX_LIFETIME) return seconds;
  throw new BadField(
    "exp",
    `Bad field exp: exp counts seconds from now; the most is ${MAX_LIFETIME} (ten years). ` +
      "A Unix time counts from 1970.",
  );
}
