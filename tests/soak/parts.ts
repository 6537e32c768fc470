/**
 * The parts that clients play: whose events they hear, and how they ask.
 *
 * @module
 */
import type { SeededRandom } from "../support/seeded_random.ts";
import type { Hearing } from "./account.ts";

/** What one client asks for, and how. */
export interface Part extends Hearing {
  readonly name: string;
  /** Of its token; none for a client without a token. */
  readonly tokenChannels: readonly string[];
  /** Asked for in the query; none for all of the token. */
  readonly asksFor: readonly string[];
  /** Whether its token goes into a header, as a browser's own EventSource cannot do. */
  readonly sendsHeader: boolean;
  /** Whether its tokens last some seconds only. */
  readonly tokensEndSoon: boolean;
  /** Whether its first stream comes with an id that no server gave. */
  readonly beginsWithUnknownId: boolean;
  /** Whether its connection goes through a relay, which breaks it now and then. */
  readonly isRelayed: boolean;
}

/** Heard by everybody, also without a token. */
export const NEWS = "news";
/** Large events, for the few that hear it. */
export const BULK = "bulk";
export const TOPICS = Array.from({ length: 20 }, (_, index) => `topic.${index}`);
export const ORDERS = Array.from({ length: 10 }, (_, index) => `orders.${index}`);
export const CHANNELS = [NEWS, BULK, ...TOPICS, ...ORDERS];
export const USERS = Array.from({ length: 60 }, (_, index) => `user${index}`);

const KINDS = { topics: 60, pattern: 15, bulk: 4, anonymous: 10, everything: 11 };

/** A part by chance. */
export function drawPart(random: SeededRandom): Part {
  const kind = random.weighted(KINDS);
  const userId = random.chance(0.1) ? "*" : random.pick(USERS);
  const asked = askedBy(kind, random);
  const isAnonymous = kind === "anonymous";
  const how = {
    sendsHeader: random.chance(0.2),
    tokensEndSoon: random.chance(0.3),
    beginsWithUnknownId: random.chance(0.05),
    isRelayed: random.chance(0.2),
  };
  return {
    ...how,
    ...asked,
    name: `${isAnonymous ? "without a token" : userId}, ${kind}`,
    userId: isAnonymous ? "*" : userId,
    channels: new Set(asked.asksFor.length > 0 ? asked.asksFor : asked.tokenChannels),
  };
}

function askedBy(
  kind: keyof typeof KINDS,
  random: SeededRandom,
): Pick<Part, "tokenChannels" | "asksFor"> {
  switch (kind) {
    case "topics":
      return { tokenChannels: [NEWS, ...random.shuffled(TOPICS).slice(0, 2)], asksFor: [] };
    case "pattern":
      return {
        tokenChannels: ["orders.*", NEWS],
        asksFor: [NEWS, ...random.shuffled(ORDERS).slice(0, 2)],
      };
    case "bulk":
      return { tokenChannels: [NEWS, BULK], asksFor: [] };
    case "anonymous":
      return { tokenChannels: [], asksFor: [NEWS] };
    case "everything":
      // More than 16 channels: the server reads their history in another way.
      return { tokenChannels: [NEWS, ...TOPICS], asksFor: [] };
  }
}
