/** The levels in order: a logger writes the lines of its own level and of every later one. */
export type LogLevel = "debug" | "info" | "warn" | "error";

/**
 * The `name=value` pairs of a line, in this order. Never a secret, a token or a query string. A list
 * is shortened to its first five items and the number of further ones.
 */
export type LogFields = Readonly<
  Record<string, string | number | readonly string[]>
>;

/** Writes one line per call: time, level, message, then `name=value` pairs. */
export interface Logger {
  debug(message: string, fields?: LogFields): void;
  info(message: string, fields?: LogFields): void;
  warn(message: string, fields?: LogFields): void;
  error(message: string, fields?: LogFields): void;
}

const LEVELS: readonly LogLevel[] = ["debug", "info", "warn", "error"];

/** Whether a logger writes the lines of a level, if `lowest` is its own. */
export function isWritten(level: LogLevel, lowest: LogLevel): boolean {
  return LEVELS.indexOf(level) >= LEVELS.indexOf(lowest);
}

/**
 * A logger that drops lines below `level`.
 *
 * @param write takes a finished line without its line end; the default prints it to stderr.
 * @param now the wall clock, in milliseconds.
 */
export function createLogger(
  level: LogLevel,
  now: () => number,
  write: (line: string) => void = printToStderr,
): Logger {
  const log = (of: LogLevel) =>
    isWritten(of, level)
      ? (message: string, fields: LogFields = {}) =>
        write(
          `${new Date(now()).toISOString()} ${of} ${message}${formatFields(fields)}`,
        )
      : () => {};
  return {
    debug: log("debug"),
    info: log("info"),
    warn: log("warn"),
    error: log("error"),
  };
}

/** A client's token may name thousands of channels: lines that list them all would fill the disk. */
const MAX_LISTED = 5;

function formatFields(fields: LogFields): string {
  return Object.entries(fields).map(([name, value]) => ` ${name}=${formatValue(value)}`).join("");
}

/** Quotes a text that could be read as several values, or break out of its line. */
function formatValue(value: string | number | readonly string[]): string {
  if (typeof value === "number") return String(value);
  if (typeof value !== "string") return formatList(value);
  return /^[\w.:/@*+[\]-]+$/.test(value) ? value : quote(value);
}

function formatList(values: readonly string[]): string {
  const listed = values.slice(0, MAX_LISTED).map(formatValue);
  const more = values.length - listed.length;
  return (more === 0 ? listed : [...listed, quote(`and ${more} more`)]).join(",");
}

/** JSON that also escapes every non-ASCII character that breaks a line or controls a terminal. */
function quote(text: string): string {
  return JSON.stringify(text).replace(
    /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu,
    (mark) => mark.split("").map(escapeUnit).join(""),
  );
}

function escapeUnit(unit: string): string {
  return "\\u" + unit.charCodeAt(0).toString(16).padStart(4, "0");
}

/** If the log cannot be written (the disk is full, say), the process and its streams must go on. */
function printToStderr(line: string): void {
  try {
    // deno-lint-ignore no-console
    console.error(line);
  } catch {
    // There is nowhere left to report it.
  }
}
