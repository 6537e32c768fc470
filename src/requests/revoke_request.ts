import type { RevocationTarget } from "../auth/revocations.ts";
import { EVERYONE } from "../auth/subscription.ts";
import { BadField } from "../lib/errors.ts";
import { checkKnown, checkName, type Fields, missing, optional, readChannels } from "./fields.ts";

const FIELDS = ["userId", "channel", "jti"];

/** Three parts with dots between them, of which the first is a JSON object in base64url. */
const TOKEN = /^eyJ[\w-]*\.[\w-]*\.[\w-]*$/;

/**
 * Reads the fields of a request to revoke tokens: which of them.
 *
 * @throws BadField naming the field that is missing, wrong or unknown.
 */
export function readRevokeRequest(fields: Fields): readonly RevocationTarget[] {
  checkKnown(fields, FIELDS);
  const user = optional(fields, "userId") || undefined;
  const tokenId = optional(fields, "jti") || undefined;
  const channels = readChannels(fields);
  if (tokenId !== undefined) {
    if (user !== undefined) {
      throw new BadField("jti", "Bad field jti: give userId or jti, not both.");
    }
    if (channels.length > 0) {
      throw new BadField(
        "channel",
        "Bad field channel: it narrows userId; jti is one whole token.",
      );
    }
    return [{ tokenId: checkTokenId(tokenId) }];
  }
  if (user === undefined) {
    throw missing(fields, "userId", "the user whose tokens are revoked; or give jti for one token");
  }
  checkUser(user, "the tokens of everyone are revoked by a new secret");
  return channels.length === 0 ? [{ user }] : channels.map((channel) => ({ user, channel }));
}

/** A name of one user. @throws BadField */
export function checkUser(user: string, insteadOfEveryone: string): void {
  checkName("userId", user);
  if (user !== EVERYONE) return;
  throw new BadField("userId", `Bad field userId: it must be one user; ${insteadOfEveryone}.`);
}

/** The log names it, so it must not be a secret. @throws BadField */
function checkTokenId(tokenId: string): string {
  if (TOKEN.test(tokenId)) {
    throw new BadField("jti", "Bad field jti: it is a whole token; give the claim jti in it.");
  }
  checkName("jti", tokenId);
  return tokenId;
}
