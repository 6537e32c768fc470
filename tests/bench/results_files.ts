/**
 * Results as files: JSON, a chart, and the tables in docs/performance.md.
 *
 * @module
 */
import { drawChart } from "./chart.ts";
import type { Machine } from "./machine.ts";
import { tableOf } from "./results_text.ts";
import type { RowResult } from "./session.ts";

/** How the results came about. */
export interface Circumstances {
  readonly machine: Machine;
  readonly runs: number;
  readonly measuredAt: Date;
}

const BEGIN = "<!-- results: written by deno task bench -->";
const END = "<!-- end of results -->";

/** Writes performance.json and performance.svg, and the tables of performance.md where it has a place for them. */
export async function writeResults(
  folder: string,
  circumstances: Circumstances,
  results: readonly RowResult[],
): Promise<void> {
  await writeFiles(folder, {
    "performance.json": JSON.stringify(recordOf(circumstances, results), null, 2) + "\n",
    "performance.svg": drawChart(results),
  }, { begin: BEGIN, end: END, content: pageOf(circumstances, results) });
}

/** A part of performance.md, which is replaced. */
export interface PagePart {
  /** The marks between which it stands. */
  readonly begin: string;
  readonly end: string;
  readonly content: string;
}

/** Writes files by their names, and a part of performance.md where it has a place for that; formats all of them. */
export async function writeFiles(
  folder: string,
  texts: Readonly<Record<string, string>>,
  part: PagePart,
): Promise<void> {
  await Deno.mkdir(folder, { recursive: true });
  const files: string[] = [];
  for (const [name, text] of Object.entries(texts)) {
    await Deno.writeTextFile(`${folder}/${name}`, text);
    files.push(`${folder}/${name}`);
  }
  const page = `${folder}/performance.md`;
  if (await writeBetween(page, part)) files.push(page);
  // The files are part of the source, and the gate checks the format of all of it.
  await new Deno.Command(Deno.execPath(), { args: ["fmt", "--quiet", ...files] }).output();
}

/** Replaces what stands in a page between two marks; answers whether it has them. */
async function writeBetween(page: string, { begin, end, content }: PagePart): Promise<boolean> {
  const text = await readIfThere(page);
  if (!text?.includes(begin) || !text.includes(end)) return false;
  const before = text.slice(0, text.indexOf(begin) + begin.length);
  const after = text.slice(text.indexOf(end));
  await Deno.writeTextFile(page, `${before}\n\n${content}\n\n${after}`);
  return true;
}

function recordOf({ machine, runs, measuredAt }: Circumstances, results: readonly RowResult[]) {
  return {
    measuredAt: measuredAt.toISOString(),
    machine,
    runs,
    rows: results.map(({ row, standings, absent, verdicts }) => ({
      name: row.name,
      title: row.title,
      figures: row.figures,
      standings,
      absent,
      goals: verdicts,
    })),
  };
}

function pageOf(
  { machine, runs, measuredAt }: Circumstances,
  results: readonly RowResult[],
): string {
  const day = measuredAt.toISOString().slice(0, 10);
  const { processor, cores, memoryGb, kernel, congestionControl } = machine;
  return [
    `Measured on ${day}: ${processor}, ${cores} cores, ${memoryGb} GB, ${kernel}, ${congestionControl}. Medians of ${runs}` +
    " interleaved runs, with the least and the most in parentheses.",
    ...results.map(sectionOf),
    versionsOf(results),
  ].join("\n\n");
}

function sectionOf(result: RowResult): string {
  const { row, standings, absent, verdicts } = result;
  const remarks = standings.flatMap(({ label, broken, doubts }) =>
    [...broken, ...doubts].map((what) => `- ${label}: ${what}`)
  );
  const parts = [
    `### ${row.name}: ${row.title}`,
    markdownTable(tableOf(result, true)),
    verdicts.map(({ text, verdict }) => `- Goal: ${text}: **${verdict}**`).join("\n"),
    absent.map(({ label, why }) => `- Absent: ${label} (${why})`).join("\n"),
    remarks.join("\n"),
  ];
  return parts.filter((part) => part !== "").join("\n\n");
}

/** A table of Markdown, its head first. */
export function markdownTable(cells: readonly (readonly string[])[]): string {
  const [head = [], ...lines] = cells;
  const line = (row: readonly string[]) => `| ${row.join(" | ")} |`;
  return [line(head), line(head.map(() => "---")), ...lines.map(line)].join("\n");
}

function versionsOf(results: readonly RowResult[]): string {
  const versions = new Map(
    results.flatMap(({ standings }) => standings).map(({ label, version }) => [label, version]),
  );
  return [
    "### Versions",
    [...versions].map(([label, version]) => `- ${label}: ${version}`).join("\n"),
  ]
    .join("\n\n");
}

async function readIfThere(path: string): Promise<string | undefined> {
  try {
    return await Deno.readTextFile(path);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return undefined;
    throw error;
  }
}
