import { toGrants } from "../auth/channel_grants.ts";
import type { StreamSelection } from "../auth/stream_selection.ts";
import { BadField } from "../lib/errors.ts";
import { checkKnown, type Fields, optional, readChannels } from "./fields.ts";
import { checkUser } from "./revoke_request.ts";

const FIELDS = ["userId", "channel", "all"];

/**
 * Reads the fields of a request to end streams: which of them.
 *
 * @throws BadField naming the field that is missing, wrong or unknown.
 */
export function readDisconnectRequest(fields: Fields): StreamSelection {
  checkKnown(fields, FIELDS);
  const user = optional(fields, "userId") || undefined;
  const channels = readChannels(fields);
  const isNarrowed = user !== undefined || channels.length > 0;
  if (readAll(fields)) {
    if (!isNarrowed) return {};
    throw new BadField("all", "Bad field all: give it alone, or userId, channel or both.");
  }
  if (!isNarrowed) {
    throw new BadField(
      "userId",
      "Missing field userId or channel: whose streams end; or give all=true.",
    );
  }
  if (user !== undefined) checkUser(user, "leave it out for every user");
  return {
    ...(user !== undefined && { user }),
    ...(channels.length > 0 && { channels: toGrants(channels) }),
  };
}

/** @throws BadField */
function readAll(fields: Fields): boolean {
  const text = optional(fields, "all") || undefined;
  if (text === undefined || text === "true") return text !== undefined;
  throw new BadField("all", "Bad field all: it must be true, or be left out.");
}
