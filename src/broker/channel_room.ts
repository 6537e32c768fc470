import { TooManyChannels } from "../lib/errors.ts";
import type { Draft } from "../sse/event.ts";
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

  /** Makes room for events; the error if there is none. */
  take(drafts: readonly Draft[]): TooManyChannels | undefined {
    const { maxChannels } = this.#log;
    for (const { channel } of drafts) {
      if (this.#brought.has(channel) || this.#log.retains(channel)) continue;
      if (this.#log.channelCount + this.#brought.size >= maxChannels) {
        return new TooManyChannels(maxChannels);
      }
      this.#brought.add(channel);
    }
    return undefined;
  }
}
