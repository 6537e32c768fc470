import { formatJson } from "./json_format.ts";
import { isWritten, type LogFields, type LogLevel, type LogLine } from "./log_line.ts";
import { formatText } from "./text_format.ts";

/** Writes one line per call: time, level, message, then the fields. */
export interface Logger {
  debug(message: string, fields?: LogFields): void;
  info(message: string, fields?: LogFields): void;
  warn(message: string, fields?: LogFields): void;
  error(message: string, fields?: LogFields): void;
  /** Whether lines of a level are written now: for those whose fields take work. */
  writes(level: LogLevel): boolean;
}

/** A logger whose level may change at any time; whoever wraps it follows. */
export interface AdjustableLogger extends Logger {
  /** The lowest level that is written. */
  level: LogLevel;
}

/** How lines are written: for people, or for the tools that collect them. */
export type LogFormat = "text" | "json";

const FORMATS: Readonly<Record<LogFormat, (line: LogLine) => string>> = {
  text: formatText,
  json: formatJson,
};

/**
 * A logger that drops lines below its level.
 *
 * @param level the level to begin with.
 * @param now the wall clock, in milliseconds.
 * @param write takes a finished line without its line end; the default prints it to stderr.
 */
export function createLogger(
  level: LogLevel,
  now: () => number,
  write: (line: string) => void = printToStderr,
  format: LogFormat = "text",
): AdjustableLogger {
  const formatLine = FORMATS[format];
  const log = (of: LogLevel) => (message: string, fields: LogFields = {}) => {
    if (!isWritten(of, logger.level)) return;
    write(formatLine({ time: now(), level: of, message, fields }));
  };
  const logger: AdjustableLogger = {
    level,
    debug: log("debug"),
    info: log("info"),
    warn: log("warn"),
    error: log("error"),
    writes: (of) => isWritten(of, logger.level),
  };
  return logger;
}

/** If the log cannot be written (the disk is full, say), the process and its streams must go on. */
export function printToStderr(line: string): void {
  try {
    // deno-lint-ignore no-console
    console.error(line);
  } catch {
    // There is nowhere left to report it.
  }
}
