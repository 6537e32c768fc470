/** What one server has answered. */
export interface PeerAnswer {
  /** Its name. */
  readonly server: string;
  readonly answer: unknown;
}

/** What the other servers have answered. */
export interface PeerAnswers {
  readonly answers: readonly PeerAnswer[];
  /** Names of the servers that are alive as far as is known, and have not answered. */
  readonly unanswered: readonly string[];
}

/**
 * Answers a question of another server. What it throws, or answers with `undefined`, is no answer; WorkerSilent is
 * nothing to log. Arguments come from another process, maybe of another version: they are to be checked.
 */
export type PeerHandler = (args: readonly unknown[]) => unknown;

/**
 * Questions between the servers that share a store. Names, arguments and answers are plain data: they travel
 * as JSON. A server that does not know the name of a question has no answer.
 */
export interface Peers {
  /**
   * Asks every other server; resolves once all that are alive have answered, after 2 seconds at most. Never
   * rejects.
   */
  ask(name: string, args: readonly unknown[]): Promise<PeerAnswers>;

  /** Registers what answers the questions of a name. */
  serve(name: string, handler: PeerHandler): void;
}

/** For a store that no other server shares. */
export const noPeers: Peers = {
  ask: () => Promise.resolve({ answers: [], unanswered: [] }),
  serve: () => {},
};
