import { type LogFields, type LogLine, shorten, toPrintableJson } from "./log_line.ts";

/** The members that every line has; a field of such a name must not overwrite them. */
const OWN_NAMES = ["time", "level", "message"];

/**
 * One JSON object: time, level and message, then the fields under their own names. A field that is called
 * as one of the three gets `field` in front, `fieldMessage`. Beside a long list stands the number of items
 * left out, as `channelLeftOut` beside `channel`: no item of the list is made up, and its type stays.
 */
export function formatJson({ time, level, message, fields }: LogLine): string {
  const own = { time: new Date(time).toISOString(), level, message };
  return toPrintableJson({ ...own, ...Object.fromEntries(members(fields)) });
}

function* members(fields: LogFields): Generator<[name: string, value: unknown]> {
  for (const [name, value] of Object.entries(fields)) {
    const isOwn = OWN_NAMES.includes(name);
    const safe = isOwn ? `field${name.charAt(0).toUpperCase()}${name.slice(1)}` : name;
    if (typeof value === "string" || typeof value === "number") {
      yield [safe, value];
      continue;
    }
    const { listed, more } = shorten(value);
    yield [safe, listed];
    if (more > 0) yield [`${safe}LeftOut`, more];
  }
}
