/**
 * Draws the curves of a run as an SVG picture: a row for each site, with its load, memory and descriptors.
 *
 * @module
 */
import { CHART_STYLE, chartText } from "../bench/chart.ts";
import type { ProcessSample } from "./measures.ts";
import type { Moment } from "./curve.ts";
import type { SiteResult } from "./run.ts";

/** One line of a panel: a value for each moment; gaps where there is none. */
type Line = (moment: Moment) => number | undefined;

interface Panel {
  readonly title: string;
  readonly lines: (servers: number) => readonly Line[];
}

const PANELS: readonly Panel[] = [
  { title: "open streams", lines: () => [({ streams }) => streams] },
  {
    title: "resident, MiB",
    lines: (servers) => ofEach(servers, (one) => one.residentBytes / 2 ** 20),
  },
  { title: "descriptors", lines: (servers) => ofEach(servers, (one) => one.descriptors) },
];

const WIDTH = 280;
const HEIGHT = 90;
const GAP = 24;
const TITLE_HEIGHT = 44;

const STYLE = `${CHART_STYLE}
    .line { fill: none; stroke: #0b7d4f; stroke-width: 1.2; }
    .axis { fill: none; stroke: #a9b4bf; stroke-width: 1; }
    @media (prefers-color-scheme: dark) {
      .line { stroke: #3fb883; }
      .axis { stroke: #566270; }
    }
  `;

/** The chart of a whole run. */
export function drawCurves(results: readonly SiteResult[]): string {
  const rowHeight = TITLE_HEIGHT + HEIGHT + GAP;
  const panels = results.flatMap((result, row) =>
    PANELS.map((panel, column) =>
      drawPanel(result, panel, GAP + column * (WIDTH + GAP), GAP + row * rowHeight)
    )
  );
  const width = PANELS.length * (WIDTH + GAP) + GAP;
  const height = results.length * rowHeight + GAP;
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}" role="img" aria-label="Streams, memory and descriptors over the time of a soak">
  <style>${STYLE}</style>
${panels.join("\n")}
</svg>
`;
}

function drawPanel(
  { shape, moments }: SiteResult,
  { title, lines }: Panel,
  left: number,
  top: number,
): string {
  const all = lines(shape.servers);
  const most = Math.max(1, ...all.flatMap((line) => moments.map((moment) => line(moment) ?? 0)));
  const end = Math.max(1, moments.at(-1)?.second ?? 1);
  const bottom = TITLE_HEIGHT + HEIGHT;
  return [
    `  <g transform="translate(${left} ${top})">`,
    `    ${chartText(0, 12, "title", shape.name)}`,
    `    ${chartText(0, 30, "quiet", `${title}, up to ${Math.round(most).toLocaleString("en")}`)}`,
    `    <path class="axis" d="M0 ${bottom}H${WIDTH}"/>`,
    ...all.map((line) =>
      `    <path class="line" d="${pathOf(moments, line, { most, end, bottom })}"/>`
    ),
    "  </g>",
  ].join("\n");
}

function pathOf(
  moments: readonly Moment[],
  line: Line,
  { most, end, bottom }: { readonly most: number; readonly end: number; readonly bottom: number },
): string {
  let isBroken = true;
  return moments.map((moment) => {
    const value = line(moment);
    const command = isBroken ? "M" : "L";
    isBroken = value === undefined;
    if (value === undefined) return "";
    const x = (moment.second / end * WIDTH).toFixed(1);
    return `${command}${x} ${(bottom - value / most * HEIGHT).toFixed(1)}`;
  }).join("");
}

function ofEach(servers: number, value: (sample: ProcessSample) => number): readonly Line[] {
  return Array.from({ length: servers }, (_, index) => (moment: Moment) => {
    const sample = moment.servers[index];
    return sample ? value(sample) : undefined;
  });
}
