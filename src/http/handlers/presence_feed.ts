import type { PresentUser } from "../../hub/presence.ts";

/** The longest grace time of a feed. */
export const LONGEST_GRACE_SECONDS = 60;

/** What has changed since the last look. */
export interface PresenceChanges {
  readonly joined: readonly PresentUser[];
  readonly left: readonly string[];
}

/** A user who was found to be gone. */
interface Absence {
  /** As the user was found last. */
  readonly present: PresentUser;
  readonly since: number;
  /** For how long by the last look, and by the look before; negative if the user was not gone then. */
  lastedMs: number;
  lastedBeforeMs: number;
}

/** A user who was not there in the look before. */
interface Arrival {
  readonly present: PresentUser;
  /** For how long the user was gone; without end for one who is new. */
  readonly awayMs: number;
}

/**
 * Makes joins and leaves of looks at a channel. Who is gone for less than a grace time has not left, so that a
 * client that reconnects neither leaves nor joins. Each look is compared with the one before it once, however many
 * grace times there are.
 */
export class PresenceFeed {
  #there: ReadonlyMap<string, PresentUser> = new Map();
  /** Those who may not have left by some grace time. */
  readonly #absences = new Map<string, Absence>();
  #arrivals: readonly Arrival[] = [];

  /**
   * Takes the users who are there.
   *
   * @param now in milliseconds, on the steady clock.
   */
  update(users: readonly PresentUser[], now: number): void {
    const before = this.#there;
    this.#there = new Map(users.map((present) => [present[0], present]));
    this.#arrivals = users.filter(([user]) => !before.has(user)).map((present) => {
      const awayMs = this.#absences.get(present[0])?.lastedMs ?? Infinity;
      this.#absences.delete(present[0]);
      return { present, awayMs };
    });
    for (const [user, absence] of this.#absences) {
      if (absence.lastedMs >= LONGEST_GRACE_SECONDS * 1000) this.#absences.delete(user);
      absence.lastedBeforeMs = absence.lastedMs;
      absence.lastedMs = now - absence.since;
    }
    for (const [user, present] of before) {
      if (this.#there.has(user)) continue;
      this.#absences.set(user, { present, since: now, lastedMs: 0, lastedBeforeMs: -1 });
    }
  }

  /** The users who have joined and not left, by a grace time. */
  users(graceMs: number): readonly PresentUser[] {
    const absent = this.#absences.values().filter(({ lastedMs }) => lastedMs < graceMs);
    return [...this.#there.values(), ...absent.map(({ present }) => present)];
  }

  /** What the last look has changed, by a grace time. */
  changes(graceMs: number): PresenceChanges {
    const joined = this.#arrivals.filter(({ awayMs }) => awayMs >= graceMs);
    const left = this.#absences.entries()
      .filter(([, { lastedBeforeMs, lastedMs }]) => lastedBeforeMs < graceMs && lastedMs >= graceMs)
      .map(([user]) => user);
    return { joined: joined.map(({ present }) => present), left: left.toArray() };
  }
}
