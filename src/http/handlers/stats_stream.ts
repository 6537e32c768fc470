import type { RouteHandler } from "../router.ts";
import type { ControlStream, ControlStreams } from "./control_streams.ts";

/** How a server is doing at a moment. Rates and delays are those of the time since the moment before. */
export interface StatsSample {
  /** ISO 8601, in UTC. */
  readonly time: string;
  /** Open streams. */
  readonly streams: number;
  /** Null where nobody looked a moment before. */
  readonly publishedPerSecond: number | null;
  readonly deliveriesPerSecond: number | null;
  /** From publishing to the hand-over to the connection; null where nothing was delivered. */
  readonly delayP50Seconds: number | null;
  readonly delayP99Seconds: number | null;
}

/** A sample, and what is shown of this moment alone. */
export interface Stats extends StatsSample {
  /** Streams that get history now. */
  readonly behind: number;
  readonly published: number;
  readonly deliveries: number;
  readonly deliveredBytes: number;
  /** Gaps that clients were told of. */
  readonly gaps: number;
  /** Streams that have ended, by disconnect reason; without those that have not come. */
  readonly endings: Readonly<Record<string, number>>;
  /** Clients that got no stream, by disconnect reason. */
  readonly rejected: Readonly<Record<string, number>>;
  /** Requests for a stream that were refused for their token, by code. */
  readonly tokensRefused: Readonly<Record<string, number>>;
  /** Threads that serve clients. */
  readonly workers: number;
  /** Of the whole process. */
  readonly memoryBytes: number;
  readonly uptimeSeconds: number;
  /** Why nothing can be published now; null if no reason is known. */
  readonly storeFailure: string | null;
}

/** What does not change while the server runs, and what the caller may do. */
export interface StatsGreeting {
  readonly version: string;
  /** The client listener's address as it is bound, with its scheme. */
  readonly clientOrigin: string;
  /** Where history is kept, without passwords. */
  readonly store: string;
  /** Whether payloads are shown. */
  readonly peek: boolean;
}

/** What the stream of stats works with. */
export interface StatsDeps {
  /** Looks at the server now. */
  readonly takeStats: () => Promise<Stats>;
  readonly greeting: StatsGreeting;
  readonly controlStreams: ControlStreams;
}

const PERIOD_MS = 1000;

/** Five minutes. */
const MOST_SAMPLES = 300;

/**
 * `GET /stats/`: how the server is doing, once a second. The stream begins with `hello`, then `samples` of
 * the last five minutes as far as somebody looked, then a `stats` each second.
 */
export function statsHandler({ greeting, controlStreams, takeStats }: StatsDeps): RouteHandler {
  const feed = new StatsFeed(takeStats);
  return ({ caller }) => {
    const stream = controlStreams.open(caller, () => feed.remove(stream));
    const { keyName: key = null } = caller;
    stream.send("hello", { ...greeting, key, rights: caller.rights });
    feed.add(stream);
    return stream.response;
  };
}

/** Looks at the server once a second for all streams together, and not at all while none is open. */
class StatsFeed {
  readonly #takeStats: StatsDeps["takeStats"];
  readonly #streams = new Set<ControlStream>();
  /** The newest last. */
  readonly #samples: StatsSample[] = [];
  #timer: ReturnType<typeof setInterval> | undefined;
  #isLooking = false;

  constructor(takeStats: StatsDeps["takeStats"]) {
    this.#takeStats = takeStats;
  }

  add(stream: ControlStream): void {
    stream.send("samples", { samples: this.#samples });
    this.#streams.add(stream);
    if (this.#timer !== undefined) return;
    this.#timer = setInterval(() => this.#look(), PERIOD_MS);
    this.#look();
  }

  remove(stream: ControlStream): void {
    this.#streams.delete(stream);
    if (this.#streams.size > 0) return;
    clearInterval(this.#timer);
    this.#timer = undefined;
  }

  async #look(): Promise<void> {
    if (this.#isLooking) return;
    this.#isLooking = true;
    try {
      const stats = await this.#takeStats();
      this.#keep(stats);
      for (const stream of this.#streams) {
        if (stream.hasRoom) stream.send("stats", stats);
      }
    } finally {
      this.#isLooking = false;
    }
  }

  #keep(stats: Stats): void {
    const { time, streams, publishedPerSecond, deliveriesPerSecond } = stats;
    const { delayP50Seconds, delayP99Seconds } = stats;
    const rates = { publishedPerSecond, deliveriesPerSecond, delayP50Seconds, delayP99Seconds };
    this.#samples.push({ time, streams, ...rates });
    if (this.#samples.length > MOST_SAMPLES) this.#samples.shift();
  }
}
