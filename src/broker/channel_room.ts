import { TooManyChannels } from "../lib/errors.ts";
import type { Publication } from "./broker.ts";
import type { Log } from "./log.ts";

/** What is asked of a log. */
type Channels = Pick<Log, "maxChannels" | "channelCount" | "retains">;

/** Judges which publications of one batch a log has room for, by their channels. */
export class ChannelRoom {
  readonly #log: Channels;
  /** Channels that the batch has brought so far. */
  readonly #brought = new Set<string>();

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
    if (channel === undefined || this.#brought.has(channel) || this.#log.retains(channel)) {
      return undefined;
    }
    if (this.#log.channelCount + this.#brought.size >= maxChannels) {
      return new TooManyChannels(maxChannels);
    }
    this.#brought.add(channel);
    return undefined;
  }
}
