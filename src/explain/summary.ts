import { shown } from "../lib/shown_text.ts";
import { type Judgement, mayHear, type Question } from "./judgement.ts";
import type { AskedEvent } from "./outcome.ts";

/** The verdict as a sentence. */
export function summaryOf(
  { user, channel }: Question,
  { verdict, isWhole, refusals }: Judgement,
): string {
  const name = shown(user);
  switch (verdict) {
    case "handed over":
      return `It was handed over to a connection of ${name}. Whether it was read there, a server cannot tell.`;
    case "replayed":
      return `${name} came back and had it replayed. Whether it was read there, a server cannot tell.`;
    case "already had":
      return `A client of ${name} said by its last event id that it has the event.`;
    case "about to be sent":
      return `${name} is connected, and the event is about to be handed over.`;
    case "behind":
      return `${name} was connected, but behind: the client took its bytes too slowly.`;
    case "may not have arrived":
      return `It was handed over to a connection of ${name} that broke: it may not have arrived.`;
    case "ended first":
      return `The connection of ${name} ended just before the event was handed over.`;
    case "gap told":
      return `${name} came to the event too late: it was retained no longer, and the client was told of a gap.`;
    case "skipped":
      return `${name} had no stream on ${
        shown(channel)
      } then, and came without a last event id: the event was skipped.`;
    case "channel not heard":
      return `${name} was connected, but heard other channels than ${shown(channel)}.`;
    case "refused":
      if (!refusals.some((one) => one.isVerified && mayHear(one))) {
        return `${name} had no stream on ${
          shown(channel)
        } then, as far as is known. Whoever was refused one ` +
          `claims to be ${name}; no key of this server has signed that.`;
      }
      return isWhole
        ? `${name} had no stream on ${shown(channel)} then, and was refused one.`
        : `${name} was refused a stream.`;
    case "not connected":
      return `${name} had no stream then.`;
    default:
      return `No stream of ${name} is known to have been handed the event, but not all is known.`;
  }
}

/** What to do about it, and what else is to be known. */
export function adviceOn(
  { user, channel }: Question,
  { verdict, refusals, isWhole }: Judgement,
  { isRetained }: AskedEvent,
): readonly string[] {
  const reasons = new Set(refusals.filter(mayHear).map(({ why }) => why));
  switch (verdict) {
    case "skipped":
      return [
        "A client that comes back must send the id of the last event that it has, in the header " +
        "Last-Event-ID or as ?lastEventId=. A browser's EventSource does so when it reconnects by itself, " +
        "but a page that is loaded anew, and a new EventSource, must be given the id by the page.",
      ];
    case "channel not heard":
      return [
        `Its token does not name ${shown(channel)}, or its client asked for other channels: ` +
        "name the channel in the token, or emit to one that the client hears.",
      ];
    case "refused":
      return [
        ...(reasons.has("expired")
          ? ["Give the client a new token before it connects again."]
          : []),
        ...(reasons.has("revoked")
          ? ["The user's tokens were revoked; one that is issued later works at once."]
          : []),
        ...(reasons.has("over the user limit")
          ? ["Let its clients close streams that they do not need, or raise -max-streams-per-user."]
          : []),
        ...(reasons.has("over the address limit")
          ? [
            "If all clients seem to come from one address, name the proxy in -trusted-proxies; " +
            "if many users share it, raise -max-streams-per-address.",
          ]
          : []),
        ...incompleteness(user, isWhole),
      ];
    case "not connected":
      return isRetained
        ? [`${shown(user)} gets it by coming back with a last event id while it is retained.`]
        : [];
    case "unknown":
      return incompleteness(user, isWhole);
    default:
      return [];
  }
}

function incompleteness(user: string, isWhole: boolean): readonly string[] {
  if (isWhole) return [];
  return [
    `The record does not reach back to the event, or is not complete: ${
      shown(user)
    } may have been connected.`,
  ];
}
