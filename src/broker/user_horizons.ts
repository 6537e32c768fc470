import { MAX_REMOVED_USERS } from "./log.ts";

/**
 * The seq of the last event for each user that was removed at an operator's wish. Retention knows no users:
 * what it drops is in the horizons of channels.
 */
export class UserHorizons {
  /** The user whose history was removed longest ago comes first. */
  readonly #horizons = new Map<string, number>();
  /** The horizon of every user that is not in the map: a gap may be reported in vain, but none is missed. */
  #floor = -1;

  /** -1 if nothing was removed. */
  of(user: string): number {
    return this.#horizons.get(user) ?? this.#floor;
  }

  raise(user: string, seq: number): void {
    const horizon = Math.max(this.of(user), seq);
    this.#horizons.delete(user);
    this.#horizons.set(user, horizon);
    if (this.#horizons.size <= MAX_REMOVED_USERS) return;
    for (const [longest, itsHorizon] of this.#horizons) {
      this.#horizons.delete(longest);
      this.#floor = Math.max(this.#floor, itsHorizon);
      return;
    }
  }
}
