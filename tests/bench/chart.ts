/**
 * Draws the results as an SVG picture: a panel for each row, a bar for each contestant.
 *
 * @module
 */
import { formatNumber } from "./results_text.ts";
import { THIS } from "./rows/row.ts";
import type { RowResult } from "./session.ts";

const COLUMNS = 2;
const PANEL_WIDTH = 430;
const GAP = 24;
const TITLE_HEIGHT = 44;
const BAR_HEIGHT = 16;
const BAR_STEP = 22;
const LABEL_WIDTH = 144;
/** Room for the value behind the longest bar. */
const VALUE_WIDTH = 76;

/** A bar longer than the next by more than this is cut: all others would be nothing next to it. */
const CUT_ABOVE = 10;

/** Follows the reader's choice of light or dark, also where the page shows it as an image. */
export const CHART_STYLE = `
    text { font: 12px system-ui, sans-serif; fill: #1f2328; }
    .title { font-weight: 600; }
    .quiet { fill: #59636e; }
    .own { fill: #0b7d4f; }
    .peer { fill: #a9b4bf; }
    @media (prefers-color-scheme: dark) {
      text { fill: #e6edf3; }
      .quiet { fill: #9198a1; }
      .own { fill: #3fb883; }
      .peer { fill: #566270; }
    }
  `;

interface Bar {
  readonly label: string;
  readonly value: number;
  readonly own: boolean;
}

/** The chart of a whole session, one main figure a row. */
export function drawChart(results: readonly RowResult[]): string {
  const heights = results.map((result) => TITLE_HEIGHT + barsOf(result).length * BAR_STEP);
  const panels: string[] = [];
  let top = GAP;
  for (let first = 0; first < results.length; first += COLUMNS) {
    const line = results.slice(first, first + COLUMNS);
    line.forEach((result, column) => {
      panels.push(drawPanel(result, GAP + column * (PANEL_WIDTH + GAP), top));
    });
    top += Math.max(...heights.slice(first, first + COLUMNS)) + GAP;
  }
  const width = COLUMNS * (PANEL_WIDTH + GAP) + GAP;
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${top}" width="${width}" height="${top}" role="img" aria-label="This server next to its peers">
  <style>${CHART_STYLE}</style>
${panels.join("\n")}
</svg>
`;
}

function barsOf({ row, standings }: RowResult): readonly Bar[] {
  const { key } = row.figures[0];
  return standings.flatMap(({ label, spreads }) => {
    const value = spreads[key]?.median ?? NaN;
    // A peer that failed has no bar: an empty one would look like a figure.
    return Number.isFinite(value) ? [{ label, value, own: label.startsWith(THIS) }] : [];
  });
}

function drawPanel(result: RowResult, left: number, top: number): string {
  const { title, unit, better } = result.row.figures[0];
  const bars = barsOf(result);
  const most = longest(bars);
  const name = unit === "/s" ? title : `${title}, ${unit}`;
  const lines = [
    chartText(0, 12, "title", result.row.title),
    chartText(0, 30, "quiet", `${name} (${better} is better)`),
    ...bars.flatMap((bar, index) => drawBar(bar, most, TITLE_HEIGHT + index * BAR_STEP)),
  ];
  return [
    `  <g transform="translate(${left} ${top})">`,
    ...lines.map((line) => `    ${line}`),
    "  </g>",
  ].join("\n");
}

/** The value of the longest bar that is drawn whole. */
function longest(bars: readonly Bar[]): number {
  const [first = 0, second = first] = bars.map(({ value }) => value).sort((one, other) =>
    other - one
  );
  return first > CUT_ABOVE * second ? CUT_ABOVE * second : first;
}

function drawBar({ label, value, own }: Bar, most: number, top: number): readonly string[] {
  const room = PANEL_WIDTH - LABEL_WIDTH - VALUE_WIDTH;
  const width = Math.max(1, Math.round(room * Math.min(1, value / most)));
  const shown = formatNumber(value) + (value > most ? " (cut)" : "");
  const baseline = top + BAR_HEIGHT - 4;
  const shape = `x="${LABEL_WIDTH}" y="${top}" width="${width}" height="${BAR_HEIGHT}" rx="2"`;
  return [
    chartText(0, baseline, own ? "title" : "", label),
    `<rect class="${own ? "own" : "peer"}" ${shape}/>`,
    chartText(LABEL_WIDTH + width + 6, baseline, "", shown),
  ];
}

/** Words in a chart. */
export function chartText(x: number, y: number, style: string, words: string): string {
  const kind = style === "" ? "" : ` class="${style}"`;
  const escaped = words.replaceAll("&", "&amp;").replaceAll("<", "&lt;");
  return `<text x="${x}" y="${y}"${kind}>${escaped}</text>`;
}
