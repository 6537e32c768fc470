import type { Subscription } from "../../auth/subscription.ts";
import { type LogPosition, parseId } from "../../sse/log_position.ts";
import type { Batch, Cursor, ReadStart } from "../history_reader.ts";
import type { OlderReader } from "../window_reader.ts";
import type { RedisLog } from "./redis_log.ts";
import type { RedisSession } from "./redis_session.ts";

/** Channels from which a batch is read at most: with a few events of each, that is a batch. */
const READ_AT_A_TIME = 250;

/** Channels that are looked up at a time. */
const LOOK_UP_AT_A_TIME = 500;

/** To learn what was dropped of a channel costs about a tenth of looking into its events. */
const CHANNELS_CHECKED_FOR_ONE_READ = 10;

/** One channel of the subscription. */
interface Channel {
  readonly name: string;
  /** It has no event that the subscription matches, and that is still to be read, before this seq. */
  next: number;
}

/** Who lets a reader ask; see `RedisHistory.ask`. */
export interface Questions {
  ask<T>(
    channels: number,
    question: (session: RedisSession, head: LogPosition) => Promise<T | undefined>,
  ): Promise<T | undefined>;
}

/**
 * Reads history from Redis for one subscription.
 *
 * It remembers for each channel before which seq nothing is left to read. So a batch is read from the
 * channels that come next alone, up to where another channel may have an event; where that cannot be told,
 * because many channels have not been looked at since the same seq, they are looked up first, some at a time.
 * What is remembered stays true, since events are only dropped, or appended past the head.
 */
export class RedisHistoryReader implements OlderReader {
  readonly #questions: Questions;
  readonly #log: Pick<RedisLog, "find" | "open" | "read" | "nextSeqs">;
  readonly #subscription: Subscription;
  readonly #start: ReadStart;
  /** Unknown until the start was found. */
  #cursor: Cursor | undefined;
  /** In order of `next`. */
  #channels: Channel[] = [];
  /** That of the last answer. */
  #headSeq = 0;

  constructor(
    questions: Questions,
    log: Pick<RedisLog, "find" | "open" | "read" | "nextSeqs">,
    subscription: Subscription,
    start: ReadStart,
  ) {
    this.#questions = questions;
    this.#log = log;
    this.#subscription = subscription;
    this.#start = start;
  }

  async next(maxBytes: number): Promise<Batch | undefined> {
    while (true) {
      const cursor = this.#cursor ?? await this.#findStart();
      if (cursor === undefined) return undefined;
      const batch = this.#mustLookUp ? await this.#lookUp() : await this.#read(cursor, maxBytes);
      if (batch !== "nothing yet") return batch;
    }
  }

  close(): void {}

  async #findStart(): Promise<Cursor | undefined> {
    const { channels } = this.#subscription;
    const weight = channels.length / CHANNELS_CHECKED_FOR_ONE_READ;
    const found = await this.#questions.ask(weight, async (session, head) => {
      const cursor = await this.#cursorIn(session, head);
      return cursor && { cursor, head };
    });
    if (found === undefined) return undefined;
    this.#headSeq = found.head.seq;
    const next = found.cursor.position + 1;
    this.#channels = channels.map((name) => ({ name, next }));
    return this.#cursor = found.cursor;
  }

  /** Where to start; `undefined` where the log has to be followed further first. */
  async #cursorIn(session: RedisSession, head: LogPosition): Promise<Cursor | undefined> {
    const cursor = "position" in this.#start
      ? this.#start
      : await this.#cursorAfter(this.#start.lastEventId, session, head);
    if (cursor.position <= head.seq) return cursor;
    // The client has been given more, by another server, than this one has followed yet.
    const last = await this.#log.open(session, head);
    return cursor.position <= last.seq ? undefined : { position: -1, gapReportedThrough: -1 };
  }

  async #cursorAfter(
    lastEventId: string,
    session: RedisSession,
    head: LogPosition,
  ): Promise<Cursor> {
    const id = parseId(lastEventId);
    const position = id?.epoch === head.epoch
      ? id.seq
      : await this.#log.find(session, lastEventId, this.#subscription) ?? -1;
    return { position, gapReportedThrough: position };
  }

  /** Whether too many channels may come next to read from all of them. */
  get #mustLookUp(): boolean {
    const first = this.#channels[0]?.next ?? Infinity;
    return first <= this.#headSeq && this.#channels[READ_AT_A_TIME]?.next === first;
  }

  async #lookUp(): Promise<"nothing yet" | undefined> {
    const from = this.#channels[0]?.next ?? 0;
    const channels = this.#channels.slice(0, LOOK_UP_AT_A_TIME).filter(({ next }) => next === from);
    const names = channels.map(({ name }) => name);
    const { user } = this.#subscription;
    const answer = await this.#questions.ask(channels.length, async (session, head) => {
      const seqs = await this.#log.nextSeqs(session, head, from, user, names);
      return seqs && { seqs, head };
    });
    if (answer === undefined) return undefined;
    this.#note(channels, answer.seqs, answer.head);
    return "nothing yet";
  }

  async #read(cursor: Cursor, maxBytes: number): Promise<Batch | "nothing yet" | undefined> {
    const channels = this.#channels.slice(0, READ_AT_A_TIME);
    const others = this.#channels.slice(READ_AT_A_TIME);
    const question = {
      cursor,
      user: this.#subscription.user,
      channels: channels.map(({ name }) => name),
      others: others.map(({ name }) => name),
      before: others[0]?.next ?? Infinity,
    };
    const weight = channels.length + others.length / CHANNELS_CHECKED_FOR_ONE_READ;
    const answer = await this.#questions.ask(weight, async (session, head) => {
      const answer = await this.#log.read(session, head, question, maxBytes);
      return answer && { ...answer, head };
    });
    if (answer === undefined) return undefined;
    const { events, gap, head } = answer;
    this.#note(channels, answer.next, head);
    const reachesHead = (this.#channels[0]?.next ?? Infinity) > head.seq;
    const through = reachesHead ? head.seq : events.at(-1)?.seq ?? cursor.position;
    this.#cursor = {
      position: through,
      gapReportedThrough: gap?.through ?? cursor.gapReportedThrough,
    };
    if (events.length === 0 && gap === undefined && !reachesHead) return "nothing yet";
    return { events, through, reachesHead, gap };
  }

  /** Remembers what an answer tells of the channels that it was about. */
  #note(
    channels: readonly Channel[],
    seqs: readonly (number | undefined)[],
    head: LogPosition,
  ): void {
    this.#headSeq = head.seq;
    channels.forEach((channel, n) => channel.next = seqs[n] ?? head.seq + 1);
    this.#channels.sort((one, other) => one.next - other.next);
  }
}
