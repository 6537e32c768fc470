import { type LogFields, type LogLine, shorten, toPrintableJson } from "./log_line.ts";

/** Time, level, message, then `name=value` pairs. A long list ends with the number of items left out. */
export function formatText({ time, level, message, fields }: LogLine): string {
  return `${new Date(time).toISOString()} ${level} ${message}${formatFields(fields)}`;
}

function formatFields(fields: LogFields): string {
  return Object.entries(fields).map(([name, value]) => ` ${name}=${formatValue(value)}`).join("");
}

/** Quotes a text that could be read as several values, or break out of its line. */
function formatValue(value: string | number | readonly string[]): string {
  if (typeof value === "number") return String(value);
  if (typeof value !== "string") return formatList(value);
  return /^[\w.:/@*+[\]-]+$/.test(value) ? value : toPrintableJson(value);
}

function formatList(values: readonly string[]): string {
  const { listed, more } = shorten(values);
  const formatted = listed.map(formatValue);
  return (more === 0 ? formatted : [...formatted, toPrintableJson(`and ${more} more`)]).join(",");
}
