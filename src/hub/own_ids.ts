import { type Audience, hears } from "../words/audience.ts";
import type { ServerEvent } from "../words/event.ts";

/** Finds retained events by the ids that their payloads carry. */
export class OwnIds {
  /** For each id its events, oldest first, and whether another had the id before it. */
  readonly #events = new Map<string, Map<ServerEvent, boolean>>();

  add(event: ServerEvent): void {
    if (event.ownId === undefined) return;
    const same = this.#events.get(event.ownId);
    if (same === undefined) {
      this.#events.set(event.ownId, new Map([[event, false]]));
    } else same.set(event, true);
  }

  drop(event: ServerEvent): void {
    if (event.ownId === undefined) return;
    const same = this.#events.get(event.ownId);
    same?.delete(event);
    if (same?.size === 0) this.#events.delete(event.ownId);
  }

  find(ownId: string, audience: Audience): number | undefined {
    let oldest = true;
    for (const [event, repeats] of this.#events.get(ownId) ?? []) {
      if (oldest && repeats) return undefined;
      if (hears(audience, event.channel, event.user)) return event.seq;
      oldest = false;
    }
    return undefined;
  }
}
