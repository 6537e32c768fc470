/**
 * What a log and its readers promise, in arrays and filters; and the logs that are held against it.
 *
 * @module
 */
import { matches, type Subscription } from "../../../src/auth/subscription.ts";
import type { Cursor, Gap } from "../../../src/broker/history_reader.ts";
import { type Log, MAX_AGED_AT_A_TIME, retainedSize } from "../../../src/broker/log.ts";
import { MemoryLog } from "../../../src/broker/memory_log.ts";
import type { Retention } from "../../../src/broker/retention.ts";
import { openSqliteFile } from "../../../src/broker/sqlite/sqlite_file.ts";
import { SqliteLog } from "../../../src/broker/sqlite/sqlite_log.ts";
import { createEvent, type ServerEvent } from "../../../src/sse/event.ts";

/** An event of one line, and more where it is to be large. */
export function eventAt(
  seq: number,
  channel: string,
  user = "*",
  padding = 0,
  publisherId?: string,
): ServerEvent {
  const id = publisherId === undefined ? "" : `id: ${publisherId}\n`;
  const block = `${id}data: ${seq}${"x".repeat(padding)}`;
  return createEvent({ channel, user, block }, seq, "naives");
}

/** A log under test; disposing of it closes it. */
export interface OpenLog extends Disposable {
  readonly log: Log;
  /** Does some work while the log has no room for anything large. */
  whileFull(work: () => void): void;
}

/** The logs of this process, each on nothing. */
export const LOGS: Readonly<
  Record<string, (retention: Retention, now: () => number) => OpenLog>
> = {
  memory: (retention, now) => ({
    log: new MemoryLog(retention, now),
    whileFull: (work) => work(),
    [Symbol.dispose]: () => {},
  }),
  sqlite: (retention, now) => {
    const folder = Deno.makeTempDirSync({ prefix: "sse-test-" });
    const database = openSqliteFile(`${folder}/store.db`);
    const log = new SqliteLog(database, retention, now);
    return {
      log,
      whileFull: (work) => {
        // SQLite takes less than the present size for the present size.
        database.exec("PRAGMA max_page_count = 1");
        work();
        database.exec("PRAGMA max_page_count = 1073741823");
      },
      [Symbol.dispose]: () => {
        log.close();
        Deno.removeSync(folder, { recursive: true });
      },
    };
  },
};

/** What remains to be read from a cursor on. */
export interface NaiveRest {
  readonly events: readonly ServerEvent[];
  readonly gap: Gap | undefined;
}

/** Every event that was ever appended, and whether it is retained. */
export class NaiveLog {
  last = 0;
  retained: ServerEvent[] = [];
  readonly horizons = new Map<string, number>();
  readonly #retention: Retention;
  readonly #now: () => number;

  constructor(retention: Retention, now: () => number) {
    this.#retention = retention;
    this.#now = now;
  }

  append(events: readonly ServerEvent[]): void {
    const { eventsPerChannel, bytesPerChannel } = this.#retention;
    for (const event of events) {
      this.last = event.seq;
      this.retained.push(event);
      const isOfChannel = ({ channel }: ServerEvent) => channel === event.channel;
      while (true) {
        const own = this.retained.filter(isOfChannel);
        if (own.length <= eventsPerChannel && bytesOf(own) <= bytesPerChannel) break;
        this.#drop(own[0] as ServerEvent);
      }
    }
    this.trim();
  }

  /** Drops what is past its age, some at a time, and the oldest while there is too much. */
  trim(): void {
    const oldestTime = this.#now() - this.#retention.ageMs;
    for (let aged = 0;; aged++) {
      const [oldest] = this.retained;
      if (oldest === undefined) return;
      const isAged = oldest.seq / 1000 <= oldestTime && aged < MAX_AGED_AT_A_TIME;
      if (!isAged && bytesOf(this.retained) <= this.#retention.totalBytes) return;
      this.#drop(oldest);
    }
  }

  /** What a reader at a cursor has still to give. */
  rest(subscription: Subscription, { position, gapReportedThrough }: Cursor): NaiveRest {
    const mine = this.retained.filter(({ channel, user }) => matches(subscription, channel, user));
    const horizons = subscription.channels.map((channel) => this.horizons.get(channel) ?? 0);
    const through = Math.max(...horizons);
    return {
      events: mine.filter(({ seq }) => seq > position),
      gap: through > Math.max(position, gapReportedThrough)
        ? { through, oldest: mine[0]?.seq }
        : undefined,
    };
  }

  #drop(event: ServerEvent): void {
    this.retained.splice(this.retained.indexOf(event), 1);
    this.horizons.set(event.channel, event.seq);
  }
}

function bytesOf(events: readonly ServerEvent[]): number {
  return events.reduce((sum, event) => sum + retainedSize(event), 0);
}
