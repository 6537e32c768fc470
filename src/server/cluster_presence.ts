import type { PeerAnswers, Peers } from "../broker/peers.ts";
import type { PresenceReport } from "../http/handlers/presence_report.ts";
import { isPresence, joinPresences, type Presence } from "../hub/presence.ts";
import type { Clock } from "../lib/clock.ts";

/** The question to other servers. */
const QUESTION = "presence";

/** How long the last answer of a server that does not answer now is good. */
const LAST_ANSWER_MS = 20_000;

/** What presence is found out from. */
export interface ClusterPresenceDeps {
  /** Asks the hubs of this server; throws WorkerSilent if one does not answer. */
  readonly here: (channel: string) => Promise<readonly Presence[]>;
  readonly peers: Peers;
  readonly clock: Clock;
}

interface LastAnswer {
  readonly presence: Presence;
  /** On the steady clock. */
  readonly at: number;
}

/** Finds out who hears a channel, over all workers and servers, at the moment when somebody asks. */
export class ClusterPresence {
  readonly #deps: ClusterPresenceDeps;
  /** By server and channel, in the order in which they came. */
  readonly #lastAnswers = new Map<string, LastAnswer>();

  /** Answers the other servers from now on. */
  constructor(deps: ClusterPresenceDeps) {
    this.#deps = deps;
    deps.peers.serve(
      QUESTION,
      ([channel]) => typeof channel === "string" ? this.#here(channel) : undefined,
    );
  }

  /** Who hears a channel. @throws WorkerSilent if a worker of this server does not answer. */
  async of(channel: string): Promise<PresenceReport> {
    const [here, there] = await Promise.all([
      this.#here(channel),
      this.#deps.peers.ask(QUESTION, [channel]),
    ]);
    const { presences, unanswered } = this.#read(channel, there);
    return { ...joinPresences([here, ...presences]), unanswered };
  }

  async #here(channel: string): Promise<Presence> {
    return joinPresences(await this.#deps.here(channel));
  }

  #read(channel: string, { answers, unanswered }: PeerAnswers) {
    const at = this.#deps.clock.steady();
    this.#forgetBefore(at - LAST_ANSWER_MS);
    const presences: Presence[] = [];
    const silent = [...unanswered];
    for (const { server, answer } of answers) {
      if (!isPresence(answer)) {
        silent.push(server);
        continue;
      }
      presences.push(answer);
      const key = keyOf(server, channel);
      this.#lastAnswers.delete(key);
      this.#lastAnswers.set(key, { presence: answer, at });
    }
    for (const server of silent) {
      const last = this.#lastAnswers.get(keyOf(server, channel));
      if (last !== undefined) presences.push(last.presence);
    }
    return { presences, unanswered: silent.toSorted() };
  }

  #forgetBefore(oldest: number): void {
    for (const [key, { at }] of this.#lastAnswers) {
      if (at >= oldest) return;
      this.#lastAnswers.delete(key);
    }
  }
}

function keyOf(server: string, channel: string): string {
  return JSON.stringify([server, channel]);
}
