/**
 * What a request to `/emit/` must do, by docs/http.md: written from that page, not from the source.
 *
 * @module
 */
import { MAX_PAYLOAD } from "./fuzzed_server.ts";

/** A field as the server must read it. */
export type Field = readonly [name: string, value: string];

/** What must become of an emit. */
export type Verdict =
  | {
    readonly accepted: true;
    readonly user: string;
    readonly channel: string;
    readonly blocks: string[];
    readonly key: string | undefined;
  }
  | { readonly accepted: false };

const REFUSED: Verdict = { accepted: false };
const MAX_EVENTS = 1000;
const MAX_FIELDS = 1000;

/** Judges an emit by its fields, of which those in the query count where the body has none of that name. */
export function judgeEmit(fields: readonly Field[], headerKey?: string): Verdict {
  const values = new Map<string, string[]>();
  for (const [given, value] of fields) {
    const name = given.replace(/\[\d*\]$/, "");
    values.set(name, [...values.get(name) ?? [], value]);
  }
  const once = (name: string) => {
    const all = values.get(name) ?? [];
    return all.length > 1 ? null : all[0];
  };
  const [user, channel, payload, data, event, retry] = [
    ...["userId", "channel", "payload", "data", "event", "retry"].map(once),
  ];
  const key = headerKey ?? once("idempotencyKey");
  if (fields.length > MAX_FIELDS || !isName(user) || !isName(channel)) return REFUSED;
  if (key !== undefined && !isName(key)) return REFUSED;
  const accept = (blocks: string[]): Verdict => ({ accepted: true, user, channel, blocks, key });
  if (data === undefined) {
    if (typeof payload !== "string" || event !== undefined || retry !== undefined) return REFUSED;
    const blocks = blocksIn(payload);
    const fits = size(payload) <= MAX_PAYLOAD && blocks.length <= MAX_EVENTS;
    return fits && blocks.length > 0 ? accept(blocks) : REFUSED;
  }
  if (data === null || payload !== undefined || event === null || retry === null) return REFUSED;
  if (size(data) > MAX_PAYLOAD || size(event ?? "") > MAX_PAYLOAD) return REFUSED;
  if (/[\r\n\0]/.test(event ?? "") || !/^(\d{1,10})?$/.test(retry ?? "")) return REFUSED;
  return accept([
    (event ? `event: ${event}\n` : "") + (retry ? `retry: ${retry}\n` : "") +
    data.split(/\r\n|\r|\n/).map((line) => `data: ${line}`).join("\n"),
  ]);
}

/** What a block becomes on the wire, with its server's id as `ID`. */
export function wireOf(block: string): string {
  const ids = block.split(/\r\n|\r|\n/).filter((line) =>
    /^id(:|$)/.test(line) && !line.includes("\0")
  );
  return `${block}\n${ids.length > 0 ? "" : "id: ID\n"}\n`.toWellFormed();
}

/** The text between blank lines, unchanged. */
function blocksIn(payload: string): string[] {
  const blocks: string[] = [];
  let block = "";
  for (const [, line = "", end = ""] of payload.matchAll(/([^\r\n]*)(\r\n|\r|\n|$)/g)) {
    if (line === "") {
      if (block !== "") blocks.push(block);
      block = "";
    } else block += line + end;
  }
  if (block !== "") blocks.push(block);
  return blocks.map((text) => text.replace(/(\r\n|\r|\n)$/, ""));
}

function isName(text: string | null | undefined): text is string {
  return typeof text === "string" && text.length >= 1 && text.length <= 256 &&
    !text.includes("\0") && text.isWellFormed();
}

function size(text: string): number {
  return new TextEncoder().encode(text).length;
}
