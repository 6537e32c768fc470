import type { ClientOrigin } from "../hub/client_origin.ts";
import type { DisconnectReason } from "../hub/disconnect_reason.ts";
import type { StreamLimits } from "../hub/stream_places.ts";
import { networkOf } from "../lib/client_network.ts";
import { shown } from "../lib/shown_text.ts";

/** Why a client was told to come back later, for an operator who asks. */
export function rejectionMessage(
  reason: DisconnectReason,
  user: string | undefined,
  origin: ClientOrigin | undefined,
  { perUser, perAddress }: StreamLimits,
): string {
  if (reason === "over the user limit") {
    return `${shown(user ?? "")} already has ${
      streams(perUser)
    }, as many as -max-streams-per-user allows.`;
  }
  if (reason === "over the address limit") {
    const network = networkOf(origin?.address ?? "");
    return `${network} already has ${
      streams(perAddress)
    }, as many as -max-streams-per-address allows.`;
  }
  return `No stream: ${reason}.`;
}

function streams(count: number): string {
  return `${count} stream${count === 1 ? "" : "s"}`;
}
