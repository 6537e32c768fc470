import { type ChannelRight, ControlRights, type Right } from "../auth/control_rights.ts";
import { ControlKeyRefused, RightMissing } from "../lib/errors.ts";

/** Who sends a request, as far as its key tells. */
export class Caller {
  /** Of a listener that asks for no right. */
  static readonly stranger = new Caller(undefined, () => ControlRights.none);
  /** Of a control listener without keys. */
  static readonly anyone = new Caller(undefined, () => ControlRights.all);

  /** The name of the key, for the log; `undefined` where the listener has no keys. */
  readonly keyName: string | undefined;
  readonly #rights: () => ControlRights;

  /**
   * @param rights the rights that the caller has now: they may change while a long request goes on.
   *   Throws ControlKeyRefused once the key is gone.
   */
  constructor(keyName: string | undefined, rights: () => ControlRights) {
    this.keyName = keyName;
    this.#rights = rights;
  }

  /** The rights that the caller has now, each for a channel at least. @throws ControlKeyRefused */
  get rights(): readonly Right[] {
    return this.#rights().held;
  }

  /**
   * Asks for a right; if it is given by channel, for any channel.
   *
   * @throws RightMissing, ControlKeyRefused
   */
  require(right: Right): void {
    if (!this.#rights().has(right)) throw new RightMissing(right);
  }

  /** Whether the caller may be told that a channel exists: it may emit to it, or read. */
  mayKnowOf(channel: string): boolean {
    try {
      const rights = this.#rights();
      return rights.has("read") || rights.covers("emit", channel);
    } catch (error) {
      if (error instanceof ControlKeyRefused) return false;
      throw error;
    }
  }

  /**
   * Asks for a right for each of some channels; a pattern (`orders.*`) means all channels that it fits.
   *
   * @throws RightMissing naming the first channel without it, ControlKeyRefused
   */
  requireFor(right: ChannelRight, channels: readonly string[]): void {
    const rights = this.#rights();
    const missing = channels.find((channel) => !rights.covers(right, channel));
    if (missing !== undefined) throw new RightMissing(right, missing);
  }
}
