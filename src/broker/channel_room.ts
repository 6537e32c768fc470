import { TooManyChannels } from "../lib/errors.ts";
import type { Publication } from "./broker.ts";
import type { Log } from "./log.ts";

/** What is asked of a log. */
type Channels = Pick<Log, "maxChannels" | "channelCount" | "retains">;

/** Judges which publications of one batch a log has room for, by their channels. */
export class ChannelRoom {
  readonly #log: Channels;
  /** New channels of the batch so far. */
  readonly #newChannels = new Set<string>();

  private constructor(log: Channels) {
    this.#log = log;
  }

  /** For a batch of so many publications; `undefined` if there is room, whatever their channels are. */
  static for(log: Channels, publications: number): ChannelRoom | undefined {
    return log.channelCount + publications <= log.maxChannels ? undefined : new ChannelRoom(log);
  }

  /** Makes room for a publication; the error if there is none. */
  take({ drafts: [draft] }: Publication): TooManyChannels | undefined {
    const { maxChannels } = this.#log;
    const channel = draft?.channel;
    if (channel === undefined || this.#newChannels.has(channel) || this.#log.retains(channel)) {
      return undefined;
    }
    if (this.#log.channelCount + this.#newChannels.size >= maxChannels) {
      return new TooManyChannels(maxChannels);
    }
    this.#newChannels.add(channel);
    return undefined;
  }
}
