import { unescape as unescapeBytes } from "node:querystring";
import { concatBytes } from "../lib/bytes.ts";
import { BadBody, TooLarge, UnsupportedContentType } from "../lib/errors.ts";
import type { Fields } from "../requests/fields.ts";

/** Room for the other fields, and for what a format puts around them. */
const OVERHEAD_BYTES = 65_536;

/** A byte of a payload takes up to six in a body: `\u000a` in JSON. */
const BYTES_PER_BYTE = 6;

/** Further fields of a form are not looked at: a million of them would take seconds. */
const MAX_FORM_FIELDS = 1000;

/** The largest body in which a payload of `maxPayloadBytes` may come. */
export function maxBodyBytes(maxPayloadBytes: number): number {
  return maxPayloadBytes * BYTES_PER_BYTE + OVERHEAD_BYTES;
}

/**
 * Reads the fields of a control request: from a body that is urlencoded, multipart/form-data or
 * JSON, and from the query where the body does not have them.
 *
 * @param contentType as `contentTypeOf` reads it.
 * @throws BadBody, TooLarge past `limit` bytes, UnsupportedContentType
 */
export async function readFields(
  request: Request,
  contentType: string,
  query: URLSearchParams | undefined,
  limit: number,
): Promise<Fields> {
  const fields = new FieldMap();
  switch (contentType) {
    case "application/x-www-form-urlencoded":
      addForm(fields, await readText(request, limit));
      break;
    case "multipart/form-data":
      await addMultipart(fields, request, limit);
      break;
    case "application/json":
      addJson(fields, await readText(request, limit));
      break;
    default:
      if (contentType !== "" || await readText(request, limit) !== "") refuse(contentType);
  }
  if (query !== undefined) fields.addMissing(query);
  return fields;
}

/** A request's content type in lower case, without parameters; empty where it names none. */
export function contentTypeOf(request: Request): string {
  const header = request.headers.get("Content-Type") ?? "";
  const end = header.indexOf(";");
  return (end < 0 ? header : header.slice(0, end)).trim().toLowerCase();
}

/**
 * Reads one JSON object as fields.
 *
 * @throws BadBody where the text is anything else.
 */
export function readJsonFields(text: string): Fields {
  const fields = new FieldMap();
  addJson(fields, text);
  return fields;
}

class FieldMap implements Fields {
  readonly #values = new Map<string, string[]>();

  all(name: string): readonly string[] {
    return this.#values.get(name) ?? [];
  }

  add(name: string, value: string): void {
    const key = plainName(name);
    const values = this.#values.get(key);
    if (values === undefined) this.#values.set(key, [value]);
    else values.push(value);
  }

  addMissing(others: URLSearchParams): void {
    const before = new Set(this.#values.keys());
    for (const [name, value] of others) {
      if (!before.has(plainName(name))) this.add(name, value);
    }
  }
}

/** PHP writes the members of an array `channel` as `channel[]` or `channel[0]`. */
function plainName(name: string): string {
  return name.endsWith("]") ? name.replace(/\[[0-9]*\]$/, "") : name;
}

function refuse(contentType: string): never {
  throw new UnsupportedContentType(
    `Content type not supported: ${contentType === "" ? "none was given" : contentType}. ` +
      "Use application/x-www-form-urlencoded, multipart/form-data or application/json.",
  );
}

/** By hand: `parse` of `node:querystring` would take more than twice the time. */
function addForm(fields: FieldMap, text: string): void {
  for (const pair of text.split("&", MAX_FORM_FIELDS)) {
    if (pair === "") continue;
    const nameEnd = pair.indexOf("=");
    if (nameEnd < 0) fields.add(unescape(pair), "");
    else fields.add(unescape(pair.slice(0, nameEnd)), unescape(pair.slice(nameEnd + 1)));
  }
}

/** Reads `+` as a space and `%41` as a byte of UTF-8; a percent sign before anything else is itself. */
function unescape(text: string): string {
  const spaced = text.includes("+") ? text.replaceAll("+", " ") : text;
  return /%[0-9a-f]{2}/i.test(spaced) ? unescapeBytes(spaced) : spaced;
}

async function addMultipart(fields: FieldMap, request: Request, limit: number): Promise<void> {
  const bytes = await readBytes(request, limit);
  const headers = { "Content-Type": request.headers.get("Content-Type") ?? "" };
  let form: FormData;
  try {
    form = await new Response(bytes, { headers }).formData();
  } catch {
    throw new BadBody("Body not understood: it is not well-formed multipart/form-data.");
  }
  for (const [name, value] of form) {
    fields.add(name, typeof value === "string" ? value : await value.text());
  }
}

function addJson(fields: FieldMap, text: string): void {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw new BadBody("Body not understood: it is not well-formed JSON.");
  }
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    throw new BadBody(
      "Body not understood: it is not a JSON object with the fields as members.",
    );
  }
  for (const [name, member] of Object.entries(value)) {
    if (typeof member === "string") fields.add(name, member);
    else addJsonMember(fields, name, member);
  }
}

function addJsonMember(fields: FieldMap, name: string, member: unknown): void {
  // Data may be any JSON: the clients get its text.
  if (typeof member === "object" && member !== null && name === "data") {
    fields.add(name, JSON.stringify(member));
    return;
  }
  for (const item of Array.isArray(member) ? member : [member]) {
    if (item === null) continue;
    if (typeof item === "object") {
      throw new BadBody(
        `Body not understood: its member ${
          JSON.stringify(name)
        } must be a text, a number or an array of them.`,
      );
    }
    fields.add(name, String(item));
  }
}

function readText(request: Request, limit: number): Promise<string> {
  if (isAnnounced(request, limit)) return whole(request.text());
  return whole(countBytes(request, limit)).then((bytes) => new TextDecoder().decode(bytes));
}

function readBytes(request: Request, limit: number): Promise<Uint8Array<ArrayBuffer>> {
  return whole(isAnnounced(request, limit) ? request.bytes() : countBytes(request, limit));
}

/** A caller who breaks off is no failure of the server's. */
async function whole<T>(reading: Promise<T>): Promise<T> {
  try {
    return await reading;
  } catch (error) {
    if (error instanceof TooLarge) throw error;
    throw new BadBody("Body not understood: it broke off before its end.");
  }
}

async function countBytes(request: Request, limit: number): Promise<Uint8Array<ArrayBuffer>> {
  const chunks: Uint8Array[] = [];
  let length = 0;
  for await (const chunk of request.body ?? []) {
    length += chunk.length;
    if (length > limit) throw tooLarge(limit);
    // A copy: each chunk is a view on a buffer of the runtime's that is many times larger.
    chunks.push(chunk.slice());
  }
  return concatBytes(chunks);
}

/** Whether the body's length was announced, and is within the limit; if not, it must be counted as it comes. */
function isAnnounced(request: Request, limit: number): boolean {
  const announced = request.headers.get("Content-Length");
  if (announced === null) return false;
  if (Number(announced) > limit) throw tooLarge(limit);
  return true;
}

function tooLarge(limit: number): TooLarge {
  return new TooLarge(`Body too large: more than ${limit} bytes (-max-payload).`);
}
