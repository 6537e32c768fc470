/** The levels in order: a logger writes the lines of its own level and of every later one. */
export type LogLevel = "debug" | "info" | "warn" | "error";

/**
 * What a line tells besides its message, by name, in this order. Never a secret, a token or a query
 * string.
 */
export type LogFields = Readonly<
  Record<string, string | number | readonly string[]>
>;

/** One line of the log, before it is written in some format. */
export interface LogLine {
  /** The wall clock, in milliseconds. */
  readonly time: number;
  readonly level: LogLevel;
  readonly message: string;
  readonly fields: LogFields;
}

/** What a level must be, for messages. */
export const LOG_LEVEL_RULE = "debug, info, warn or error";

/** How much each level tells; the least has the highest rank. */
const RANKS: Readonly<Record<LogLevel, number>> = { debug: 0, info: 1, warn: 2, error: 3 };

/** Whether a text is the name of a level. */
export function isLogLevel(text: string): text is LogLevel {
  return Object.hasOwn(RANKS, text);
}

/** Whether a logger writes the lines of a level, if `lowest` is its own. */
export function isWritten(level: LogLevel, lowest: LogLevel): boolean {
  return RANKS[level] >= RANKS[lowest];
}

/** A client's token may name thousands of channels: lines that list them all would fill the disk. */
const MAX_LISTED = 5;

/** The first five items of a list, and how many there are besides. */
export function shorten(
  list: readonly string[],
): { readonly listed: readonly string[]; readonly more: number } {
  const listed = list.slice(0, MAX_LISTED);
  return { listed, more: list.length - listed.length };
}

/** JSON that also escapes every non-ASCII character that breaks a line or controls a terminal. */
export function toPrintableJson(value: unknown): string {
  return JSON.stringify(value).replace(
    /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu,
    (mark) => mark.split("").map(escapeUnit).join(""),
  );
}

function escapeUnit(unit: string): string {
  return "\\u" + unit.charCodeAt(0).toString(16).padStart(4, "0");
}
