/**
 * The parts of docs/clients.md that are made: the table, from what the clients were seen to do, and their code, from
 * the files that were run. `deno task clients` writes them.
 *
 * @module
 */
import { CLIENTS, type ListedClient } from "./clients.ts";
import { CLIENTS_FOLDER } from "./packages.ts";
import type { Findings } from "./trial.ts";

const TABLE = /^\| client \|[^]*?\n\n/m;
const CODE = /^(<!-- (\S+\/\S+) -->\n```\w+\n)[^]*?^```$/gm;

const HEADER = [
  "| client | token in the | comes back by itself | exact | needs a first id | blank messages | sees `gap` | to set |",
  "| --- | --- | --- | --- | --- | --- | --- | --- |",
];

/** The row of a client. */
export function rowOf({ name, section, set }: ListedClient, findings: Findings): string {
  const cells = [
    `[${name}](#${section})`,
    findings.sendsHeader ? "header" : "query",
    yesOrNo(findings.comesBack),
    yesOrNo(findings.faults.length === 0 && findings.endsOnRefusal),
    yesOrNo(!findings.needsNoStart),
    yesOrNo(findings.seesBlank),
    yesOrNo(findings.seesGap),
    set,
  ];
  return `| ${cells.join(" | ")} |`;
}

/** The row of a client that the page shows, or `undefined`. */
export function shownRowOf({ name }: ListedClient, page: string): string | undefined {
  return page.split("\n").find((line) => line.startsWith(`| [${name}](`));
}

/** The page with other rows in its table; a client without a row keeps the one it has. */
export function withRows(page: string, rows: ReadonlyMap<ListedClient, string>): string {
  const lines = CLIENTS.flatMap((client) => rows.get(client) ?? shownRowOf(client, page) ?? []);
  return page.replace(TABLE, () => `${[...HEADER, ...lines].join("\n")}\n\n`);
}

/** The page with the code of the files that its comments name. */
export async function withCode(page: string): Promise<string> {
  const texts = new Map<string, string>();
  for (const [, , path = ""] of page.matchAll(CODE)) {
    texts.set(path, (await Deno.readTextFile(CLIENTS_FOLDER + path)).trim());
  }
  return page.replace(CODE, (_, start, path) => `${start}${texts.get(path)}\n\`\`\``);
}

function yesOrNo(is: boolean): string {
  return is ? "yes" : "no";
}
