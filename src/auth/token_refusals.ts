import { TokenRefused } from "../lib/errors.ts";

/** The refusal of a token that has expired. */
export function expired(): TokenRefused {
  return new TokenRefused("expired", "Token refused: it has expired.");
}

/** The refusal of a token whose key is gone. */
export function keyGone(): TokenRefused {
  return new TokenRefused(
    "signature",
    "Token refused: the key that it is signed with is no longer accepted.",
  );
}

/** The refusal of a token that is too long to be looked at. */
export function tooLong(token: string, maxBytes: number): TokenRefused {
  return new TokenRefused("too long", `Token refused: it ${tooManyBytes(token, maxBytes)}.`);
}

/** The part of a message that names the exceeded limit of bytes. */
export function tooManyBytes({ length }: string, maxBytes: number): string {
  return `has ${length} bytes, more than ${maxBytes} (-max-token-bytes)`;
}

/** The part of a message that names the exceeded limit of channels. */
export function overLimit(maxChannels: number): string {
  return `more than ${maxChannels} (-max-channels-per-token)`;
}
