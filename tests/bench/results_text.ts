/**
 * Results as text, for a terminal and for docs/performance.md.
 *
 * @module
 */
import { type Figure, THIS } from "./rows/row.ts";
import type { RowResult, Standing } from "./session.ts";
import type { Spread } from "./statistics.ts";

/** A row as a table of all contestants: medians, their spread, and this server's against each. */
export function formatRow(result: RowResult, withRatios: boolean): string {
  const { row, standings, absent } = result;
  return [
    `${row.name}: ${row.title}`,
    ...formatColumns(tableOf(result, withRatios)),
    ...absent.map(({ label, why }) => `  absent: ${label}: ${why}`),
    ...standings.flatMap(({ label, broken }) => broken.map((what) => `  ${label}: ${what}`)),
    ...standings.flatMap(({ label, doubts }) => doubts.map((what) => `  ${label}: ${what}`)),
  ].join("\n");
}

/** Every goal and whether it was met. */
export function formatVerdicts(results: readonly RowResult[]): string {
  return formatColumns([
    ["row", "goal", ""],
    ...results.flatMap(({ row, verdicts }) =>
      verdicts.map(({ text, verdict }) => [row.name, text, verdict])
    ),
  ]).join("\n");
}

/** The cells of a row's table, its head first. */
export function tableOf(
  { row, standings }: RowResult,
  withRatios: boolean,
): readonly (readonly string[])[] {
  const own = standings.find(({ label }) => label === THIS);
  const [main] = row.figures;
  const head = [
    "",
    ...row.figures.map(({ title, unit }) => `${title} ${unitOf(title, unit)}`.trim()),
  ];
  const lines = standings.map((standing) => [
    standing.label,
    ...row.figures.map(({ key }) => formatSpread(standing.spreads[key])),
    ...(withRatios ? [ratio(main, own, standing)] : []),
  ]);
  return [[...head, ...(withRatios ? ["this server is"] : [])], ...lines];
}

function unitOf(title: string, unit: string): string {
  return title.includes(unit) || unit === "/s" ? "" : `(${unit})`;
}

function ratio(figure: Figure, own: Standing | undefined, other: Standing): string {
  const ours = own?.spreads[figure.key]?.median;
  const theirs = other.spreads[figure.key]?.median;
  if (other.label === THIS || !ours || !theirs) return "";
  const times = ours / theirs;
  return `${formatNumber(times)} times ${figure.better === "more" ? "" : "that"}`.trim();
}

function formatSpread(spread: Spread | undefined): string {
  if (spread === undefined || !Number.isFinite(spread.median)) return "-";
  const { median, least, most } = spread;
  if (least === most) return formatNumber(median);
  return `${formatNumber(median)} (${formatNumber(least)} to ${formatNumber(most)})`;
}

/** Three digits that count, and thousands set apart. */
export function formatNumber(value: number): string {
  const rounded = Math.abs(value) >= 100 ? Math.round(value) : Number(value.toPrecision(3));
  return rounded.toLocaleString("en-US", { maximumFractionDigits: 3 });
}

function formatColumns(rows: readonly (readonly string[])[]): readonly string[] {
  const widths: number[] = [];
  for (const row of rows) {
    row.forEach((cell, column) => widths[column] = Math.max(widths[column] ?? 0, cell.length));
  }
  return rows.map((row) =>
    "  " + row.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join("  ").trimEnd()
  );
}
