import type { Clock } from "../lib/clock.ts";
import type { LogFields, LogLevel } from "./log_line.ts";
import type { Logger } from "./logger.ts";

/** Lines of one level and message that are written in one second. */
const LINES_PER_SECOND = 20;

const WINDOW_MS = 1000;

/** Counts the lines of one level and message for one second. */
interface Window {
  readonly level: LogLevel;
  readonly message: string;
  /** On the steady clock. */
  readonly since: number;
  lines: number;
}

/**
 * A logger for lines that clients can cause: no client can fill the disk, or keep the process busy
 * with writing. It writes up to 20 lines a second of each level and message. If there were more, a
 * line `lines left out` gives the message and their number, before the next line of any message
 * after that second. Lines that the server itself causes belong in the logger that this one wraps.
 */
export class LimitedLogger implements Logger {
  readonly #logger: Logger;
  readonly #clock: Clock;
  /** By level and message. Messages are constants of this program, so there are not many. */
  readonly #windows = new Map<string, Window>();

  constructor(logger: Logger, clock: Clock) {
    this.#logger = logger;
    this.#clock = clock;
  }

  debug(message: string, fields?: LogFields): void {
    this.#log("debug", message, fields);
  }

  info(message: string, fields?: LogFields): void {
    this.#log("info", message, fields);
  }

  warn(message: string, fields?: LogFields): void {
    this.#log("warn", message, fields);
  }

  error(message: string, fields?: LogFields): void {
    this.#log("error", message, fields);
  }

  writes(level: LogLevel): boolean {
    return this.#logger.writes(level);
  }

  /** Reports every line left out so far; without it, no report comes if no further line follows. */
  flush(): void {
    this.#close(Infinity);
  }

  #log(level: LogLevel, message: string, fields: LogFields | undefined): void {
    const now = this.#clock.steady();
    this.#close(now - WINDOW_MS);
    const name = `${level} ${message}`;
    let window = this.#windows.get(name);
    if (window === undefined) {
      window = { level, message, since: now, lines: 0 };
      this.#windows.set(name, window);
    }
    window.lines++;
    if (window.lines <= LINES_PER_SECOND) this.#logger[level](message, fields);
  }

  /** Ends every window that began at a time or before it. */
  #close(since: number): void {
    for (const [name, window] of this.#windows) {
      if (window.since > since) continue;
      this.#windows.delete(name);
      const count = window.lines - LINES_PER_SECOND;
      if (count > 0) {
        this.#logger[window.level]("lines left out", { message: window.message, count });
      }
    }
  }
}
