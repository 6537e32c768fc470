/** Where a claim stands in a token's payload. */
export interface ClaimPath {
  /** As it was configured, for messages. */
  readonly text: string;
  /** The names to follow from the payload on, at least one. */
  readonly names: readonly string[];
}

/** What is wanted of a text that names a claim: it stands in messages, and these in a header in quotes. */
export const CLAIM_RULE =
  "a claim's name, or a JSON Pointer to it, in printable ASCII without quotes";

/** Reads the name of a claim, or a JSON Pointer (RFC 6901) to one inside others; `undefined` for neither. */
export function parseClaimPath(text: string): ClaimPath | undefined {
  if (!/^[ !#-[\]-~]+$/.test(text) || /~(?![01])/.test(text)) return undefined;
  if (!text.startsWith("/")) return { text, names: [text] };
  const names = text.slice(1).split("/");
  return { text, names: names.map((name) => name.replaceAll("~1", "/").replaceAll("~0", "~")) };
}

/** The value at a path; `undefined` if there is none. */
export function valueAt(payload: unknown, { names }: ClaimPath): unknown {
  let value = payload;
  for (const name of names) {
    if (typeof value !== "object" || value === null || !Object.hasOwn(value, name)) {
      return undefined;
    }
    value = (value as Readonly<Record<string, unknown>>)[name];
  }
  return value;
}

/** Puts a value at a path of a payload, and makes the objects on the way. */
export function putAt(
  payload: Record<string, unknown>,
  { names }: ClaimPath,
  value: unknown,
): void {
  let target = payload;
  for (const name of names.slice(0, -1)) {
    const next = target[name] as Record<string, unknown> | undefined;
    target = next ?? (target[name] = {}) as Record<string, unknown>;
  }
  target[String(names.at(-1))] = value;
}
