import type { RevocationRecord, RevocationTarget } from "../auth/revocations.ts";
import type { Broker } from "../broker/broker.ts";
import type { Revoked } from "../http/handlers/revoke.ts";
import type { Clock } from "../lib/clock.ts";
import type { ClientSide } from "./client_side.ts";

/** What servers that share a store ask each other to do. */
const QUESTION = "take revocations";

/** What a revoker works with. */
export interface RevokerDeps {
  readonly broker: Pick<Broker, "revocations" | "peers">;
  readonly clients: Pick<ClientSide, "revoke">;
  readonly clock: Clock;
  /** How long a revocation is remembered. */
  readonly revocationSeconds: number;
}

/** Revokes tokens on this server and on all that share its store. */
export class Revoker {
  readonly #deps: RevokerDeps;

  constructor(deps: RevokerDeps) {
    this.#deps = deps;
    const { broker: { revocations, peers }, clients } = deps;
    revocations.follow((records) => void clients.revoke(records));
    peers.serve(QUESTION, async () => await clients.revoke(await revocations.refresh()));
  }

  /**
   * Refuses tokens from now on, and ends their streams.
   *
   * @throws StoreUnavailable, TooManyRevocations; then no stream has ended.
   */
  async revoke(targets: readonly RevocationTarget[]): Promise<Revoked> {
    const { broker: { revocations, peers }, clients, revocationSeconds } = this.#deps;
    const revokedAt = Math.max(...targets.map((target) => this.#timeOf(target)));
    const forgetAt = revokedAt + revocationSeconds;
    const records = targets.map((target): RevocationRecord => ({ ...target, revokedAt, forgetAt }));
    await revocations.add(records);
    const [here, there] = await Promise.all([clients.revoke(records), peers.ask(QUESTION, [])]);
    const unanswered = [...there.unanswered];
    let streams = here;
    for (const { server, answer } of there.answers) {
      if (typeof answer !== "number") unanswered.push(server);
      else if (streams !== undefined) streams += answer;
    }
    return { revokedAt, refusedUntil: forgetAt, streams, unanswered };
  }

  /** After the last revocation of the user, as tokens that were made since say that they are. */
  #timeOf(target: RevocationTarget): number {
    const { broker, clock } = this.#deps;
    const now = clock.wall() / 1000;
    if (target.tokenId !== undefined) return now;
    return Math.max(now, broker.revocations.known.timeAfterLast(target.user));
  }
}
