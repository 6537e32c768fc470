/**
 * The form of the server's log.
 *
 * @module
 */
import { assert, assertMatch } from "./assert.ts";
import { documentedLines } from "./log_table.ts";
import { readPage } from "./markdown.ts";
import type { Server } from "./server.ts";

const VALUE = String.raw`(?:[\w.:/@*+[\]-]+|"(?:[^"\\]|\\.)*")`;
const LINE = new RegExp(
  String
    .raw`^(?<time>\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z) (?<level>debug|info|warn|error) (?<message>[a-z][a-z ,:'A-Z-]*?)(?<fields>( \w+=(${VALUE}(,${VALUE})*)?)*)$`,
);

/** What is known of a line in either format. */
interface ReadLine {
  readonly level: string;
  readonly message: string;
  /** The names of its fields. */
  readonly fields: readonly string[];
}

const documented = documentedLines(await readPage("docs/log.md"));

/**
 * Checks that every line a server wrote to stderr is one of its log, as docs/log.md has it, and not one of
 * the runtime's own.
 *
 * @throws {Error} with the first line that is not.
 */
export function assertOnlyLogLines(server: Server, format: "text" | "json" = "text"): void {
  for (const line of server.log.lines) {
    const { level, message, fields } = format === "text" ? readText(line) : readJson(line);
    const row = documented.get(message);
    assert(row !== undefined, `docs/log.md has no row for: ${line}`);
    assert(row.levels.includes(level), `docs/log.md has another level for: ${line}`);
    for (const name of fields) {
      assert(row.fields.includes(name), `docs/log.md has no field ${name} for: ${line}`);
    }
  }
}

function readText(line: string): ReadLine {
  assertMatch(line, LINE);
  const { level = "", message = "", fields = "" } = LINE.exec(line)?.groups ?? {};
  const names = fields.matchAll(new RegExp(String.raw` (\w+)=(?:${VALUE},?)*`, "g"));
  return { level, message, fields: [...names].map(([, name = ""]) => name) };
}

function readJson(line: string): ReadLine {
  const { time, level, message, ...fields } = JSON.parse(line);
  assertMatch(time, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);
  const names = Object.keys(fields).map((name) => name === "fieldMessage" ? "message" : name);
  return { level, message, fields: names.filter((name) => !name.endsWith("LeftOut")) };
}
