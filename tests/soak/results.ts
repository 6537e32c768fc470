/**
 * Results as files: the curves, and their part of docs/performance.md.
 *
 * @module
 */
import { describeMachine, type Machine } from "../bench/machine.ts";
import { markdownTable, writeFiles } from "../bench/results_files.ts";
import { inMebibytes } from "../support/process_memory.ts";
import type { Task } from "./command_line.ts";
import { drawCurves } from "./curve_chart.ts";
import type { SiteResult } from "./run.ts";

const BEGIN = "<!-- soak: written by deno task soak -->";
const END = "<!-- end of soak -->";

/** Writes soak.svg, and what a run has shown into performance.md where it has a place for that. */
export async function saveResults(
  folder: string,
  task: Task,
  results: readonly SiteResult[],
): Promise<void> {
  const machine = await describeMachine();
  const content = pageOf(task, machine, new Date(), results);
  await writeFiles(folder, { "soak.svg": drawCurves(results) }, {
    begin: BEGIN,
    end: END,
    content,
  });
}

function pageOf(
  { minutes, seed, streams }: Task,
  { processor, cores, memoryGb, kernel }: Machine,
  endedAt: Date,
  results: readonly SiteResult[],
): string {
  const found = results.reduce((sum, { findings }) => sum + findings.count, 0);
  const verdict = found === 0 ? "Nothing was found." : `${found} finding${found === 1 ? "" : "s"}.`;
  return [
    `${minutes} minutes on ${endedAt.toISOString().slice(0, 10)} with ${
      streams.toLocaleString("en")
    } streams open, seed ${seed}; ${processor}, ${cores} cores, ${memoryGb} GB, ${kernel}. ${verdict}`,
    "![Open streams, memory and descriptors over the time](soak.svg)",
    markdownTable([
      ["site", "clients", "events", "deliveries", "gaps told", "faults"],
      ...results.map(({ shape, moments, faults }) => {
        const last = moments.at(-1);
        const counts = [last?.clients, last?.emitted, last?.delivered, last?.gaps];
        return [shape.name, ...counts.map((count) => (count ?? 0).toLocaleString("en")), faults];
      }),
    ]),
    "Each server at the end, with nobody there, and in parentheses the same server started anew:",
    markdownTable([
      ["server", "descriptors", "threads", "live objects", "resident", "wake-ups a second"],
      ...results.flatMap(({ levels }) => levels).map(({ server, after, fresh }) => [
        server,
        `${after.descriptors} (${fresh.descriptors})`,
        `${after.threads} (${fresh.threads})`,
        `${inMebibytes(after.heapBytes)} (${inMebibytes(fresh.heapBytes)})`,
        `${inMebibytes(after.residentBytes)} (${inMebibytes(fresh.residentBytes)})`,
        `${after.wakeUpsASecond.toFixed(0)} (${fresh.wakeUpsASecond.toFixed(0)})`,
      ]),
    ]),
  ].join("\n\n");
}
