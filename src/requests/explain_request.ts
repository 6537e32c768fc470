import { EVERYONE } from "../auth/subscription.ts";
import { BadField, UnknownField } from "../lib/errors.ts";
import { checkName, type Fields, optional, requiredName } from "./fields.ts";

/** A request to `/explain/`. */
export interface ExplainRequest {
  readonly user: string;
  readonly channel: string;
  /** An event's id; `undefined` to ask about no event in particular. */
  readonly id: string | undefined;
  /** In milliseconds since 1970; `undefined` unless all events from a time on are asked about. */
  readonly sinceMs: number | undefined;
}

const FIELDS = ["userId", "channel", "id", "since"];

const UNITS: Readonly<Record<string, number>> = { "": 1, s: 1, m: 60, h: 3600, d: 86_400 };

const ISO_TIME = /^\d{4}-\d{2}-\d{2}(T\d{2}:\d{2}(:\d{2}(\.\d+)?)?(Z|[+-]\d{2}:\d{2}))?$/;

/**
 * Reads the fields of a question about an event.
 *
 * @throws BadField naming the field that is missing, wrong or unknown.
 */
export function readExplainRequest(fields: Fields, nowMs: number): ExplainRequest {
  for (const name of fields.names()) {
    if (FIELDS.includes(name)) continue;
    throw new UnknownField(
      name,
      `Unknown field ${JSON.stringify(name)}: use ${FIELDS.join(", ")}.`,
    );
  }
  const user = requiredName(fields, "userId", "the user's name");
  if (user === EVERYONE) {
    throw new BadField("userId", "Bad field userId: * is everyone; name one user.");
  }
  const channel = requiredName(fields, "channel", "the channel's name");
  const id = optional(fields, "id");
  const since = optional(fields, "since");
  if (id !== undefined && since !== undefined) {
    throw new BadField("since", "Bad field since: give id or since, not both.");
  }
  if (id !== undefined) checkName("id", id);
  return { user, channel, id, sinceMs: since === undefined ? undefined : readSince(since, nowMs) };
}

function readSince(text: string, nowMs: number): number {
  const [, amount, unit] = /^(\d{1,9})([smhd]?)$/.exec(text) ?? [];
  const time = amount !== undefined
    ? nowMs - Number(amount) * (UNITS[unit ?? ""] ?? 1) * 1000
    : ISO_TIME.test(text)
    ? Date.parse(text)
    : NaN;
  // A long time ago may be a time that no date has.
  if (time <= nowMs) return Math.max(time, 0);
  throw new BadField(
    "since",
    "Bad field since: it must be a time in the past, such as 2026-11-24T14:00:00Z, or a time ago, " +
      "such as 90s, 15m, 1h or 2d.",
  );
}
