import type { LogFields, LogLevel } from "./log_line.ts";
import type { Logger } from "./logger.ts";

/** Writes one line. */
export type WriteLine = (message: string, fields: LogFields) => void;

/**
 * Lines about single streams and requests, for someone who looks for a mistake. A kind of line that is
 * not written now has no function, so that nobody prepares its fields. Ask anew for each line: the
 * logger's level may change.
 */
export interface ActivityLog {
  /** What a developer should see: opened streams, refusals, notes to publishers. At `debug`, or at `info` with `-dev`. */
  readonly notice?: WriteLine | undefined;
  /** Everything else, at `debug`. */
  readonly detail?: WriteLine | undefined;
}

/** @param logger should be limited, because clients and back ends cause these lines. */
export function createActivityLog(logger: Logger, dev: boolean): ActivityLog {
  const noticeLevel: LogLevel = dev ? "info" : "debug";
  const notice: WriteLine = (message, fields) => logger[noticeLevel](message, fields);
  const detail: WriteLine = (message, fields) => logger.debug(message, fields);
  return {
    get notice() {
      return logger.writes(noticeLevel) ? notice : undefined;
    },
    get detail() {
      return logger.writes("debug") ? detail : undefined;
    },
  };
}
