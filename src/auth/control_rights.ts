import { isName, NAME_RULE } from "../lib/names.ts";

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

/** The rights of a control key. */
export class ControlRights {
  /** Every right, for every channel. */
  static readonly all = ControlRights.of("all");
  static readonly none = new ControlRights();

  readonly #plain = new Set<Right>();
  /** Channels' names, and the beginnings of names with a `*` behind. */
  readonly #channels = { emit: new Set<string>(), token: new Set<string>() };

  /**
   * Reads rights as they are written in the file of control keys, such as `emit:orders.*` and `read`.
   *
   * @returns what is wrong, as the end of a sentence, where they are not understood. It repeats no
   *   word: in the wrong place, a word may be a key.
   */
  static parse(words: readonly string[]): ControlRights | string {
    if (words.length === 0) return `there is no right; give one or more of ${RIGHTS_RULE}`;
    const rights = new ControlRights();
    for (const [index, word] of words.entries()) {
      const wrong = rights.#add(word);
      if (wrong !== undefined) return `right ${index + 1} ${wrong}`;
    }
    return rights;
  }

  /** The rights that this program itself names, in words that are right. */
  static of(...words: readonly string[]): ControlRights {
    const rights = new ControlRights();
    for (const word of words) rights.#add(word);
    return rights;
  }

  /** Whether a key has a right at all: one that is given by channel, for any channel. */
  has(right: Right): boolean {
    return isChannelRight(right) ? this.#channels[right].size > 0 : this.#plain.has(right);
  }

  /**
   * Whether a key has a right for a channel, or for all channels that a pattern (`orders.*`) fits.
   */
  covers(right: ChannelRight, channel: string): boolean {
    for (const allowed of this.#channels[right]) {
      if (allowed === channel) return true;
      if (allowed.endsWith("*") && channel.startsWith(allowed.slice(0, -1))) return true;
    }
    return false;
  }

  /** Adds a right; returns what is wrong with its word. */
  #add(word: string): string | undefined {
    if (word === "all") {
      this.#plain.add("read").add("steer");
      for (const channels of Object.values(this.#channels)) channels.add("*");
      return undefined;
    }
    if (word === "read" || word === "steer") {
      this.#plain.add(word);
      return undefined;
    }
    const [, right = "", channel = ""] = /^(\w+)(?::(.*))?$/s.exec(word) ?? [];
    if (!isChannelRight(right)) return `is not known; it must be ${RIGHTS_RULE}`;
    if (!isPattern(channel)) return `is without channels; after ${right}: write ${CHANNELS_RULE}`;
    this.#channels[right].add(channel);
    return undefined;
  }
}

function isChannelRight(text: string): text is ChannelRight {
  return text === "emit" || text === "token";
}

/** Before its end a `*` would mean more channels than a reader sees, as in `orders.**`. */
function isPattern(text: string): boolean {
  return isName(text) && !text.slice(0, -1).includes("*");
}
