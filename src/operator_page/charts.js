/** Lines over the last five minutes. */
import { drawn, element } from "./elements.js";

const SPAN_MS = 300_000;
const WIDTH = 300;
const HEIGHT = 100;

/** Samples further apart than this have a hole between them: nobody looked. */
const HOLE_MS = 5000;

/**
 * A chart with a title, the newest value of each line, and the highest value as its scale.
 *
 * @param {string} title
 * @param {{ of: (sample: any) => number | null, name: string }[]} lines one or two.
 * @param {(value: number | null) => string} format
 */
export function chart(title, lines, format) {
  const paths = lines.map((_, n) => drawn("path", { class: n > 0 ? "second" : undefined }));
  const values = lines.map(({ name }, n) => {
    const value = element("span");
    const made = element("span", { class: n > 0 ? "value second" : "value" }, value);
    if (lines.length > 1) made.append(element("small", {}, name));
    return { value, made };
  });
  const svg = drawn(
    "svg",
    { viewBox: `0 0 ${WIDTH} ${HEIGHT}`, preserveAspectRatio: "none", role: "img" },
    drawn("line", { x1: 0, x2: WIDTH, y1: HEIGHT, y2: HEIGHT }),
    drawn("line", { x1: 0, x2: WIDTH, y1: 0, y2: 0 }),
    ...paths,
  );
  const top = element("span");
  const figure = element(
    "figure",
    {},
    element("figcaption", {}, element("strong", {}, title), ...values.map(({ made }) => made)),
    element("div", { class: "scale" }, top),
    svg,
    element(
      "div",
      { class: "scale" },
      element("span", {}, "5 minutes ago"),
      element("span", {}, "now"),
    ),
  );
  return {
    figure,
    /** Draws samples, the newest last. */
    draw(samples) {
      const newest = samples.at(-1);
      const highest = niceAbove(
        Math.max(0, ...lines.flatMap(({ of }) => samples.map((sample) => of(sample) ?? 0))),
      );
      for (const [n, { of }] of lines.entries()) {
        paths[n].setAttribute("d", pathOf(samples, of, newest?.at ?? 0, highest));
        values[n].value.textContent = format(newest === undefined ? null : of(newest));
      }
      top.textContent = format(highest);
      const now = lines.map(({ name }, n) => `${name} ${values[n].value.textContent}`).join(", ");
      svg.setAttribute("aria-label", `${title} in the last five minutes; now: ${now}`);
    },
  };
}

function pathOf(samples, of, now, highest) {
  let path = "";
  let last;
  for (const sample of samples) {
    const value = of(sample);
    if (value === null) {
      last = undefined;
      continue;
    }
    const x = WIDTH * (1 - (now - sample.at) / SPAN_MS);
    if (x < 0) continue;
    const y = HEIGHT * (1 - value / highest);
    const isJoined = last !== undefined && sample.at - last < HOLE_MS;
    path += `${isJoined ? "L" : "M"}${x.toFixed(1)} ${y.toFixed(1)}`;
    // A single value would be no line.
    if (!isJoined) path += "h0.5";
    last = sample.at;
  }
  return path;
}

/** A round number that is not below a value: one digit or 1.5, and noughts. */
function niceAbove(value) {
  if (value <= 0) return 1;
  const power = 10 ** Math.floor(Math.log10(value));
  return [1, 1.5, 2, 3, 4, 5, 6, 8, 10].map((step) => step * power).find((step) => step >= value) ??
    value;
}
