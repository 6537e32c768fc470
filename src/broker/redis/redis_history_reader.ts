import type { Subscription } from "../../auth/subscription.ts";
import type { ServerEvent } from "../../sse/event.ts";
import { type LogPosition, parseId } from "../../sse/log_position.ts";
import type { Batch, Cursor, Gap, ReadStart } from "../history_reader.ts";
import type { OlderReader } from "../window_reader.ts";
import type { LookUpAnswer, RedisLog } from "./redis_log.ts";
import type { RedisSession } from "./redis_session.ts";

/** Channels from which a batch is read at most: with an event or two of each, that is a batch. */
const READ_AT_A_TIME = 250;

/** Channels that are looked up, or whose oldest event is looked for, in one question. */
const LOOK_UP_AT_A_TIME = 1000;

/** Gives readers their turns; see `RedisHistory.inTurn`. */
export interface Turns {
  inTurn<T>(
    ask: (session: RedisSession, head: LogPosition) => Promise<T | undefined>,
  ): Promise<T | undefined>;
}

/** What a reader asks of the log. */
export type HistoryLog = Pick<RedisLog, "find" | "lookUp" | "oldest" | "open" | "read">;

/** One channel of the subscription. */
interface Channel {
  readonly name: string;
  /** It has no event that the subscription matches, and that is still to be read, before this seq. */
  next: number;
}

/**
 * Reads history from Redis for one subscription.
 *
 * It remembers for each channel before which seq nothing is left to read. So a batch is read from the
 * channels that come next alone, up to where another channel may have an event; where that cannot be told,
 * because many channels have not been looked at since the same seq, they are looked up first, some at a time.
 * What is remembered stays true, since events are only dropped, or appended past the head. And nothing is
 * dropped unnoticed: each answer says what was dropped from its channels, and none is passed over without one.
 */
export class RedisHistoryReader implements OlderReader {
  readonly #turns: Turns;
  readonly #log: HistoryLog;
  readonly #subscription: Subscription;
  readonly #start: ReadStart;
  /** Unknown until the start was found. */
  #cursor: Cursor | undefined;
  /** In order of `next`. */
  #channels: Channel[] = [];
  /** The last seq that was dropped from the channels, as far as answers have told. */
  #horizon = -1;

  constructor(
    turns: Turns,
    log: HistoryLog,
    subscription: Subscription,
    start: ReadStart,
  ) {
    this.#turns = turns;
    this.#log = log;
    this.#subscription = subscription;
    this.#start = start;
  }

  next(maxBytes: number): Promise<Batch | undefined> {
    return this.#turns.inTurn((session, head) => this.#next(session, head, maxBytes));
  }

  close(): void {}

  async #next(
    session: RedisSession,
    head: LogPosition,
    maxBytes: number,
  ): Promise<Batch | undefined> {
    const cursor = this.#cursor ??= await this.#findStart(session, head);
    if (cursor === undefined) return undefined;
    while (true) {
      while (this.#mustLookUp(head)) {
        if (!await this.#lookUp(session, head)) return undefined;
      }
      const batch = await this.#read(session, head, cursor, maxBytes);
      if (batch !== "nothing yet") return batch;
    }
  }

  /** Where to start; `undefined` where the log has to be followed further first. */
  async #findStart(session: RedisSession, head: LogPosition): Promise<Cursor | undefined> {
    const cursor = await this.#cursorIn(session, head);
    if (cursor === undefined) return undefined;
    const next = cursor.position + 1;
    this.#channels = this.#subscription.channels.map((name) => ({ name, next }));
    return cursor;
  }

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
  #mustLookUp(head: LogPosition): boolean {
    const first = this.#channels[0]?.next ?? Infinity;
    return first <= head.seq && this.#channels[READ_AT_A_TIME]?.next === first;
  }

  /** Looks up some of the channels that may come next; answers whether the log is still the same. */
  async #lookUp(session: RedisSession, head: LogPosition): Promise<boolean> {
    const from = this.#channels[0]?.next ?? 0;
    const channels = this.#channels.slice(0, LOOK_UP_AT_A_TIME).filter(({ next }) => next === from);
    const names = channels.map(({ name }) => name);
    const answer = await this.#log.lookUp(session, head, from, this.#subscription.user, names);
    if (answer !== undefined) this.#note(channels, answer, head);
    return answer !== undefined;
  }

  async #read(
    session: RedisSession,
    head: LogPosition,
    cursor: Cursor,
    maxBytes: number,
  ): Promise<Batch | "nothing yet" | undefined> {
    const channels = this.#channels.slice(0, READ_AT_A_TIME);
    const question = {
      position: cursor.position,
      user: this.#subscription.user,
      channels: channels.map(({ name }) => name),
      before: this.#channels[READ_AT_A_TIME]?.next ?? Infinity,
    };
    const answer = await this.#log.read(session, head, question, maxBytes);
    if (answer === undefined) return undefined;
    // What was dropped past the head is not this reader's: it gets that from the feed.
    const dropped = Math.min(head.seq, Math.max(this.#horizon, answer.horizon));
    const isGap = dropped > Math.max(cursor.position, cursor.gapReportedThrough);
    const oldest = isGap ? await this.#oldest(session, cursor, answer.events) : undefined;
    this.#note(channels, answer, head);
    const gap = isGap ? { through: dropped, oldest } : undefined;
    return this.#batch(head, cursor, answer.events, gap);
  }

  /** @param events the next after the cursor. */
  async #oldest(
    session: RedisSession,
    { position }: Cursor,
    events: readonly ServerEvent[],
  ): Promise<number | undefined> {
    // Nothing comes before an unknown position.
    if (position < 0 && events.length > 0) return events[0]?.seq;
    const { user, channels } = this.#subscription;
    let oldest = Infinity;
    for (let n = 0; n < channels.length; n += LOOK_UP_AT_A_TIME) {
      const some = channels.slice(n, n + LOOK_UP_AT_A_TIME);
      oldest = Math.min(oldest, await this.#log.oldest(session, user, some));
    }
    return oldest === Infinity ? undefined : oldest;
  }

  #batch(
    head: LogPosition,
    { position, gapReportedThrough }: Cursor,
    events: readonly ServerEvent[],
    gap: Gap | undefined,
  ): Batch | "nothing yet" {
    const reachesHead = (this.#channels[0]?.next ?? Infinity) > head.seq;
    if (events.length === 0 && gap === undefined && !reachesHead) return "nothing yet";
    const through = reachesHead ? head.seq : events.at(-1)?.seq ?? position;
    this.#cursor = { position: through, gapReportedThrough: gap?.through ?? gapReportedThrough };
    return { events, through, reachesHead, gap };
  }

  /** Remembers what an answer tells of the channels that it was about. */
  #note(channels: readonly Channel[], { next, horizon }: LookUpAnswer, head: LogPosition): void {
    this.#horizon = Math.max(this.#horizon, horizon);
    channels.forEach((channel, n) => channel.next = next[n] ?? head.seq + 1);
    this.#channels.sort((one, other) => one.next - other.next);
  }
}
