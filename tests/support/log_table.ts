/**
 * The lines of the log: those that docs/log.md has in its tables, and those that the source writes.
 *
 * @module
 */
import type { Page } from "./markdown.ts";
import type { SourceFile } from "./source_files.ts";

/** What the page says of one message. */
export interface DocumentedLine {
  readonly levels: readonly string[];
  readonly fields: readonly string[];
}

/** A call of a logger. */
export interface LoggedLine {
  /** `undefined` where the call does not have the text itself, so that nobody can find it. */
  readonly message: string | undefined;
  /** Empty where the level is not known before the call. */
  readonly levels: readonly string[];
  readonly path: string;
}

const LEVELS = ["debug", "info", "warn", "error"];

/** They pass on the lines of others. */
const PASSES_ON = /^src\/observability\//;

/** The documented lines by message. */
export function documentedLines({ text }: Page): ReadonlyMap<string, DocumentedLine> {
  const rows = [...text.matchAll(/^\| `([^`]+)` \| (.*?) \| (.*?) ?\| .* \|$/gm)];
  return new Map(
    rows.filter(([, message = ""]) => !LEVELS.includes(message)).map(
      ([, message = "", levels = "", fields = ""]) => [message, {
        levels: wordsInCode(levels),
        fields: wordsInCode(fields),
      }],
    ),
  );
}

function wordsInCode(cell: string): readonly string[] {
  return [...cell.matchAll(/`(\w+)`/g)].map(([, word = ""]) => word);
}

/** Each call that writes a line. */
export function loggedLines(files: readonly SourceFile[]): readonly LoggedLine[] {
  return files.flatMap(({ path, code }) =>
    [...code.matchAll(
      /\b(?:[lL]ogger\??\.(debug|info|warn|error)|[lL]ogger\[[^\]]+\]|(notice|detail)\?\.)\(\s*("(?:[^"\\]|\\.)*")?/g,
    )].map(([, level, activity, literal]) => ({
      message: literal === undefined ? undefined : String(JSON.parse(literal)),
      levels: level !== undefined
        ? [level]
        : activity === "notice"
        ? ["debug", "info"]
        : activity === "detail"
        ? ["debug"]
        : [],
      path,
    })).filter(({ message }) => message !== undefined || !PASSES_ON.test(path))
  );
}
