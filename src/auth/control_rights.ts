import { isName, NAME_RULE } from "../lib/names.ts";
import { type ChannelGrants, grantsChannel, toGrants } from "./channel_grants.ts";

/**
 * What a control key may do: `emit` events and make a `token`, each for some channels; `read` what
 * there is (metrics, lists); `steer` what goes on (end streams, drop history).
 */
export type Right = ChannelRight | "read" | "steer";

/** The rights that are given channel by channel. */
export type ChannelRight = "emit" | "token";

/** What the words for rights may be, for messages. */
const RIGHTS_RULE = "emit:CHANNELS, token:CHANNELS, read, steer or all";

/** What stands for CHANNELS, for messages. */
const CHANNELS_RULE =
  `a channel, the beginning of its name and a * (emit:orders.*), or * for every channel; a name is ${NAME_RULE}`;

/** A right as one word gives it: for a channel or a pattern, if it is given by channel. */
type Word = { readonly right: ChannelRight; readonly channel: string } | {
  readonly right: "read" | "steer";
};

const ALL: readonly Word[] = [
  { right: "emit", channel: "*" },
  { right: "token", channel: "*" },
  { right: "read" },
  { right: "steer" },
];

/** The rights of a control key. */
export class ControlRights {
  /** Every right, for every channel. */
  static readonly all = new ControlRights(ALL);
  static readonly none = new ControlRights([]);

  readonly #held: ReadonlySet<Right>;
  readonly #channels: Readonly<Record<ChannelRight, ChannelGrants>>;

  private constructor(words: readonly Word[]) {
    const channelsOf = (right: ChannelRight) =>
      toGrants(words.flatMap((word) => word.right === right ? word.channel : []));
    this.#held = new Set(words.map(({ right }) => right));
    this.#channels = { emit: channelsOf("emit"), token: channelsOf("token") };
  }

  /**
   * The rights of a caller that no file names.
   *
   * @throws {RangeError} for a word that {@link parse} does not understand.
   */
  static of(...texts: readonly string[]): ControlRights {
    const rights = ControlRights.parse(texts);
    if (typeof rights === "string") throw new RangeError(rights);
    return rights;
  }

  /**
   * Reads rights as they are written in the file of control keys, such as `emit:orders.*` and `read`.
   *
   * @returns what is wrong, as the end of a sentence, where they are not understood. It repeats no
   *   word: in the wrong place, a word may be a key.
   */
  static parse(texts: readonly string[]): ControlRights | string {
    if (texts.length === 0) return `no right is given; give one or more of ${RIGHTS_RULE}`;
    const words: Word[] = [];
    for (const [index, text] of texts.entries()) {
      const read = readWord(text);
      if (typeof read === "string") return `right ${index + 1} ${read}`;
      words.push(...read);
    }
    return new ControlRights(words);
  }

  /** The rights that a key has at all. */
  get held(): readonly Right[] {
    return [...this.#held];
  }

  /** Whether a key has a right at all: one that is given by channel, for any channel. */
  has(right: Right): boolean {
    return this.#held.has(right);
  }

  /** Whether a key has a right for a channel, or for all channels that a pattern (`orders.*`) fits. */
  covers(right: ChannelRight, channel: string): boolean {
    return grantsChannel(this.#channels[right], channel);
  }
}

/** The rights that a word gives, or what is wrong with it. */
function readWord(text: string): readonly Word[] | string {
  if (text === "all") return ALL;
  if (text === "read" || text === "steer") return [{ right: text }];
  const [, right, channel = ""] = /^(emit|token)(?::(.*))?$/s.exec(text) ?? [];
  if (right !== "emit" && right !== "token") return `is not known; it must be ${RIGHTS_RULE}`;
  // Before its end a * would mean more channels than a reader sees, as in `orders.**`.
  if (isName(channel) && !channel.slice(0, -1).includes("*")) return [{ right, channel }];
  return `is without channels; after ${right}: write ${CHANNELS_RULE}`;
}
