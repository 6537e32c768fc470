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
 * Answers a question of another server, or takes its notice. What it throws, or answers with `undefined`, is
 * no answer. Arguments come from another process, maybe of another version: they are to be checked.
 */
export type PeerHandler = (args: readonly unknown[], server: string) => unknown;

/**
 * Questions and notices between the servers that share a store. Names, arguments and answers are plain
 * data: they travel as JSON. A server that does not know the name of a question does not answer it.
 */
export interface Peers {
  /** The name of this server; no other has it. */
  readonly self: string;

  /**
   * Asks every other server; resolves once all that are alive have answered, after 2 seconds at most. Never
   * rejects.
   */
  ask(name: string, args: readonly unknown[]): Promise<PeerAnswers>;

  /** Tells every other server. It may be lost: see {@link Peers.onResumed}. */
  tell(name: string, args: readonly unknown[]): void;

  /** Registers what answers the questions, and takes the notices, of a name. */
  serve(name: string, handler: PeerHandler): void;

  /**
   * Registers what is called each time the others can be heard again after they could not: notices may have
   * been lost until then. It must not throw.
   */
  onResumed(listener: () => void): void;
}

/** For a store that no other server shares. */
export const noPeers: Peers = {
  self: "this server",
  ask: () => Promise.resolve({ answers: [], unanswered: [] }),
  tell: () => {},
  serve: () => {},
  onResumed: () => {},
};
