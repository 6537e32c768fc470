import type { PresentUser } from "../../hub/presence.ts";

/** What has changed since the last look. */
export interface PresenceChanges {
  readonly joined: readonly PresentUser[];
  readonly left: readonly string[];
}

interface Shown {
  /** As the user was found last. */
  present: PresentUser;
  /** When the user was first found to be gone. */
  absentSince: number | undefined;
}

/**
 * Makes joins and leaves of looks at a channel. Who is gone for less than the grace time has not left, so that a
 * client that reconnects neither leaves nor joins.
 */
export class PresenceFeed {
  readonly #graceMs: number;
  readonly #shown = new Map<string, Shown>();

  constructor(graceMs: number) {
    this.#graceMs = graceMs;
  }

  /** The users who have joined and not left. */
  get users(): readonly PresentUser[] {
    return Array.from(this.#shown.values(), ({ present }) => present);
  }

  /**
   * Takes the users who are there.
   *
   * @param now in milliseconds, on the steady clock.
   */
  update(users: readonly PresentUser[], now: number): PresenceChanges {
    const there = new Set<string>();
    const joined: PresentUser[] = [];
    for (const present of users) {
      const [user] = present;
      there.add(user);
      const shown = this.#shown.get(user);
      if (shown === undefined) {
        this.#shown.set(user, { present, absentSince: undefined });
        joined.push(present);
      } else {
        shown.present = present;
        shown.absentSince = undefined;
      }
    }
    return { joined, left: this.#takeLeft(there, now) };
  }

  #takeLeft(there: ReadonlySet<string>, now: number): readonly string[] {
    const left: string[] = [];
    for (const [user, shown] of this.#shown) {
      if (there.has(user)) continue;
      shown.absentSince ??= now;
      if (now - shown.absentSince < this.#graceMs) continue;
      this.#shown.delete(user);
      left.push(user);
    }
    return left;
  }
}
