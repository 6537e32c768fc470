import type { Peers } from "../broker/peers.ts";
import type { Evidence, Question } from "./judgement.ts";
import { joinRecords, type RefusedEmit, type UserRecord } from "./records.ts";
import type { RefusedEmits } from "./refused_emits.ts";

/** The time in which refused emits matter, in milliseconds since 1970. */
export interface TimeSpan {
  readonly fromMs: number;
  readonly toMs: number;
}

/** What evidence is gathered from. */
export interface EvidenceSourceDeps {
  /** Asks each hub of this server; throws WorkerSilent if one does not answer. */
  readonly askHubs: (user: string, channel: string) => Promise<readonly UserRecord[]>;
  readonly refusedEmits: RefusedEmits;
  readonly peers: Peers;
  readonly isStoreShared: boolean;
}

/** What one server knows. */
interface OwnEvidence {
  readonly record: UserRecord;
  readonly refusedEmits: readonly RefusedEmit[];
}

/** The name of the question to other servers. */
const QUESTION = "explain";

/** Gathers what this server and those that share its store know of a user. */
export class EvidenceSource {
  readonly #deps: EvidenceSourceDeps;

  constructor(deps: EvidenceSourceDeps) {
    this.#deps = deps;
    deps.peers.serve(QUESTION, ([user, channel, fromMs, toMs]) => {
      if (typeof user !== "string" || typeof channel !== "string") return undefined;
      return this.#own({ user, channel }, { fromMs: Number(fromMs), toMs: Number(toMs) });
    });
  }

  /**
   * What is known for a question.
   *
   * @param span `undefined` if refused emits do not matter.
   * @throws WorkerSilent if a worker thread does not answer.
   */
  async gather(question: Question, epoch: string, span?: TimeSpan): Promise<Evidence> {
    const { peers, isStoreShared } = this.#deps;
    const { user, channel } = question;
    const { fromMs, toMs } = span ?? { fromMs: 0, toMs: 0 };
    const [own, others] = await Promise.all([
      this.#own(question, { fromMs, toMs }),
      peers.ask(QUESTION, [user, channel, fromMs, toMs]),
    ]);
    const known = others.answers.flatMap(({ server, answer }) =>
      isEvidence(answer) ? [{ server, ...answer }] : []
    );
    const silent = others.answers.filter(({ answer }) => !isEvidence(answer));
    return {
      epoch,
      isStoreShared,
      record: joinRecords([own.record, ...known.map(withServer)]),
      unanswered: [...others.unanswered, ...silent.map(({ server }) => server)],
      refusedEmits: [
        ...own.refusedEmits,
        ...known.flatMap(({ server, refusedEmits }) =>
          refusedEmits.map((emit) => ({ ...emit, server }))
        ),
      ],
    };
  }

  async #own(
    { user, channel }: Question,
    { fromMs, toMs }: TimeSpan,
  ): Promise<OwnEvidence> {
    const records = await this.#deps.askHubs(user, channel);
    return {
      record: joinRecords(records),
      refusedEmits: this.#deps.refusedEmits.between(fromMs, toMs, channel),
    };
  }
}

function withServer({ server, record }: OwnEvidence & { readonly server: string }): UserRecord {
  return {
    ...record,
    streams: record.streams.map((stream) => ({ ...stream, server })),
    refusals: record.refusals.map((refusal) => ({ ...refusal, server })),
  };
}

/** Whether another server, maybe of another version, has answered what this one understands. */
function isEvidence(answer: unknown): answer is OwnEvidence {
  const { record, refusedEmits } = (answer ?? {}) as Partial<OwnEvidence>;
  return Array.isArray(refusedEmits) && Array.isArray(record?.streams) &&
    Array.isArray(record.refusals) && typeof record.beginsMs === "number" &&
    typeof record.beginsAfter === "number";
}
