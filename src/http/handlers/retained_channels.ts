import type { LogInspector, RetainedChannel } from "../../broker/log_inspector.ts";
import { StoreUnavailable } from "../../lib/errors.ts";
import { Semaphore } from "../../lib/semaphore.ts";

/** Goes through the channels with retained events, for one request at a time: there may be hundreds of thousands. */
export class RetainedChannels {
  readonly inspector: LogInspector;
  readonly #turns = new Semaphore(1);

  constructor(inspector: LogInspector) {
    this.inspector = inspector;
  }

  /** Visits each channel once, in parts. @throws StoreUnavailable */
  visit(visitor: (part: readonly RetainedChannel[]) => Promise<void> | void): Promise<void> {
    return this.#turns.run(async () => {
      const seen = new Set<string>();
      for await (const part of this.inspector.channels()) {
        const unseen = part.filter(({ name }) => !seen.has(name));
        for (const { name } of unseen) seen.add(name);
        await visitor(unseen);
      }
    });
  }
}

/** What was found out about the store, or why nothing could be. */
export type FromStore<T> = { readonly found: T } | { readonly failure: string };

/** Asks the store, which may be away: what is known of streams is worth telling all the same. */
export async function fromStore<T>(ask: () => Promise<T>): Promise<FromStore<T>> {
  try {
    return { found: await ask() };
  } catch (error) {
    if (!(error instanceof StoreUnavailable)) throw error;
    return { failure: error.message.replace(/\.$/, "") };
  }
}
