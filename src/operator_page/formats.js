/** How numbers, times and sizes are shown. */

const WHOLE = new Intl.NumberFormat("en-GB", { maximumFractionDigits: 0 });
const SHORT = new Intl.NumberFormat("en-GB", { maximumSignificantDigits: 3 });
const MOMENT = new Intl.DateTimeFormat("en-GB", {
  day: "numeric",
  month: "short",
  hour: "2-digit",
  minute: "2-digit",
});
const TIME = new Intl.DateTimeFormat("en-GB", { timeStyle: "medium" });
const UNITS = ["B", "KiB", "MiB", "GiB", "TiB"];

/** What stands where there is no value. */
export const NONE = "–";

/** Wraps a format, so that a missing value is shown as none. */
function orNone(format) {
  return (value) => value === undefined || value === null ? NONE : format(value);
}

export const count = orNone((number) => WHOLE.format(number));

/** A number of things, such as `1 stream`. */
export function counted(number, thing) {
  return `${count(number)} ${thing}${number === 1 ? "" : "s"}`;
}

/** A rate: whole, unless it is small. */
export const rate = orNone((number) => (number < 100 ? SHORT : WHOLE).format(number));

export const bytes = orNone((number) => {
  let unit = 0;
  for (; number >= 1024 && unit < UNITS.length - 1; unit++) number /= 1024;
  return `${SHORT.format(number)} ${UNITS[unit]}`;
});

/** A short time, such as a delay. */
export const delay = orNone((seconds) =>
  seconds < 1 ? `${SHORT.format(seconds * 1000)} ms` : `${SHORT.format(seconds)} s`
);

/** A long time, by its two largest units. */
export const duration = orNone((seconds) => {
  const parts = [["d", 86_400], ["h", 3600], ["min", 60], ["s", 1]];
  let left = Math.round(seconds);
  const shown = [];
  for (const [unit, size] of parts) {
    if (left >= size || (unit === "s" && shown.length === 0)) {
      shown.push(`${Math.floor(left / size)} ${unit}`);
    } else if (shown.length > 0) break;
    left %= size;
    if (shown.length === 2) break;
  }
  return shown.join(" ");
});

/** A moment of ISO 8601, in the reader's own time zone. */
export const moment = orNone((text) => MOMENT.format(new Date(text)));

/** The same of today. */
export const timeOfDay = orNone((text) => TIME.format(new Date(text)));
