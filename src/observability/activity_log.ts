import { isWritten, type LogFields, type Logger, type LogLevel } from "./logger.ts";

/** Writes one line. */
export type WriteLine = (message: string, fields: LogFields) => void;

/**
 * Lines about single streams and requests, for someone who looks for a mistake. A kind of line that is
 * not written has no function, so that nobody prepares its fields.
 */
export interface ActivityLog {
  /** What a developer should see: opened streams, refusals, notes to publishers. At `debug`, or at `info` with `-dev`. */
  readonly notice?: WriteLine;
  /** Everything else, at `debug`. */
  readonly detail?: WriteLine;
}

/**
 * @param logger should be limited, because clients and back ends cause these lines.
 * @param level the lowest level that the logger writes.
 */
export function createActivityLog(logger: Logger, level: LogLevel, dev: boolean): ActivityLog {
  const lineAt = (of: LogLevel): WriteLine | undefined =>
    isWritten(of, level) ? (message, fields) => logger[of](message, fields) : undefined;
  const notice = lineAt(dev ? "info" : "debug");
  const detail = lineAt("debug");
  return { ...(notice && { notice }), ...(detail && { detail }) };
}
