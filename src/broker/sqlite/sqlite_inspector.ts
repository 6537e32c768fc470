import { reasonOf, StoreUnavailable } from "../../lib/errors.ts";
import { pause } from "../../lib/pause.ts";
import {
  type ChannelDetails,
  eventsPerMinute,
  type LogInspector,
  RATE_SPAN_MS,
  type RetainedChannel,
  type RetainedEvent,
  type RetainedTotals,
} from "../log_inspector.ts";
import type { Statements } from "./sqlite_statements.ts";
import type { SqliteTrimmer } from "./sqlite_trimmer.ts";

/** Channels read in a turn of the event loop: one to three milliseconds of work. */
const CHANNELS_AT_A_TIME = 1000;

/** The same where each takes a look-up in an index. */
const COUNTS_AT_A_TIME = 500;

/** And where it takes several. */
const DETAILS_AT_A_TIME = 100;

/** What looking into a store file works with. */
export interface SqliteInspectorDeps {
  readonly statements: Statements;
  readonly trimmer: SqliteTrimmer;
  /** Drops what is past its age, some at a time. */
  readonly trim: () => void;
  /** The wall clock, in milliseconds. */
  readonly now: () => number;
}

/** Looks at what a store file retains. */
export class SqliteInspector implements LogInspector {
  readonly #deps: SqliteInspectorDeps;

  constructor(deps: SqliteInspectorDeps) {
    this.#deps = deps;
  }

  totals(): Promise<RetainedTotals> {
    return this.#read(({ trimmer }) => trimmer.totals);
  }

  async *channels(): AsyncGenerator<readonly RetainedChannel[], void> {
    let last = "";
    while (true) {
      const rows = await this.#read(({ statements }) =>
        statements.channelsAfter.all(last, CHANNELS_AT_A_TIME).map(({ name, events, size }) => ({
          name: String(name),
          events: Number(events),
          bytes: Number(size),
        }))
      );
      yield rows.filter(({ events }) => events > 0);
      if (rows.length < CHANNELS_AT_A_TIME) return;
      last = rows.at(-1)?.name ?? "";
      await pause();
    }
  }

  details(names: readonly string[]): Promise<readonly ChannelDetails[]> {
    return this.#inParts(names, DETAILS_AT_A_TIME, (part) => this.#detailsOf(part));
  }

  newest(channel: string, limit: number): Promise<readonly RetainedEvent[]> {
    return this.#read(({ statements }) =>
      statements.newestOf.all(channel, limit).map(({ seq, user, size }) => ({
        seq: Number(seq),
        user: String(user),
        bytes: Number(size),
      }))
    );
  }

  countFor(user: string, channels: readonly string[]): Promise<readonly number[]> {
    const { statements } = this.#deps;
    return this.#inParts(
      channels,
      COUNTS_AT_A_TIME,
      (part) =>
        statements.countFor.all({ user, channels: JSON.stringify(part) })
          .map(({ events }) => Number(events)),
    );
  }

  #detailsOf(names: readonly string[]): readonly ChannelDetails[] {
    const { statements, trimmer, now } = this.#deps;
    const after = Math.floor((now() - RATE_SPAN_MS) * 1000);
    const rows = statements.channelDetails.all({ channels: JSON.stringify(names), after });
    return rows.map((row, index) => ({
      name: names[index] ?? "",
      events: Number(row.events ?? 0),
      bytes: Number(row.size ?? 0),
      firstSeq: row.firstSeq === null ? undefined : Number(row.firstSeq),
      lastSeq: row.lastSeq === null ? undefined : Number(row.lastSeq),
      eventsPerMinute: eventsPerMinute(
        Number(row.recent),
        Number(row.horizon ?? trimmer.floor),
        now(),
      ),
    }));
  }

  /** @throws StoreUnavailable */
  async #inParts<T>(
    names: readonly string[],
    atATime: number,
    read: (part: readonly string[]) => readonly T[],
  ): Promise<readonly T[]> {
    const found: T[] = [];
    for (let start = 0; start < names.length; start += atATime) {
      if (start > 0) await pause();
      const part = names.slice(start, start + atATime);
      found.push(...await this.#read(() => read(part)));
    }
    return found;
  }

  /** @throws StoreUnavailable */
  #read<T>(read: (deps: SqliteInspectorDeps) => T): Promise<T> {
    return Promise.try(() => {
      this.#deps.trim();
      return read(this.#deps);
    }).catch((error) => {
      throw new StoreUnavailable(`Cannot read the store: ${reasonOf(error)}.`);
    });
  }
}
