import { unescape as unescapeBytes } from "node:querystring";
import { BadBody, TooLarge, UnsupportedContentType } from "../lib/errors.ts";
import { ownPart } from "../lib/own_text.ts";
import type { Fields } from "../requests/fields.ts";
import { type BodyLimits, MAX_FIELDS } from "./body_limits.ts";
import { checkJson } from "./json_limits.ts";
import { readBytes, readText } from "./read_body.ts";

/** In quotation marks or not; of ASCII without backslashes, so that it is to others what it is here. */
const BOUNDARY = /;\s*boundary=(?:"([ !#-[\]-~]+)"|([!#-:<-[\]-~]+))\s*(?:;|$)/i;

const NOT_ASCII = /[\u0080-\uffff]+/g;

const LONG_TEXT = 65_536;
const PLUS = 0x2b;
const SPACE = 0x20;

/**
 * Reads the fields of a control request: from a body that is urlencoded, multipart/form-data or
 * JSON, and from the query where the body does not have them.
 *
 * @param contentType as `contentTypeOf` reads it.
 * @param otherTypes that the route reads by itself, for the advice in the error.
 * @throws BadBody, TooLarge, ServerBusy, UnsupportedContentType
 */
export async function readFields(
  request: Request,
  contentType: string,
  query: URLSearchParams | undefined,
  limits: BodyLimits,
  otherTypes: readonly string[] = [],
): Promise<Fields> {
  const fields = new FieldMap();
  switch (contentType) {
    case "application/x-www-form-urlencoded":
      addForm(fields, notJson(await readText(request, limits)));
      break;
    case "multipart/form-data":
      await addMultipart(fields, request, limits);
      break;
    case "application/json":
      addJson(fields, await readText(request, limits), limits);
      break;
    default:
      if (contentType !== "" || notJson(await readText(request, limits)) !== "") {
        refuse(contentType, otherTypes);
      }
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
 * @throws BadBody where the text is anything else, TooLarge where it would take long to parse.
 */
export function readJsonFields(text: string, limits: BodyLimits): Fields {
  const fields = new FieldMap();
  addJson(fields, text, limits);
  return fields;
}

/** The fields of a request's query. */
export function queryFields(query: URLSearchParams | undefined): Fields {
  const fields = new FieldMap();
  for (const [name, value] of query ?? []) fields.add(name, value);
  return fields;
}

class FieldMap implements Fields {
  readonly #values = new Map<string, string[]>();

  all(name: string): readonly string[] {
    return this.#values.get(name) ?? [];
  }

  names(): Iterable<string> {
    return this.#values.keys();
  }

  get size(): number {
    return this.#values.size;
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

/** Tools that are given JSON and no content type send it as a form, or with none. @throws BadBody */
function notJson(text: string): string {
  if (!/^\s*[{[]/.test(text)) return text;
  throw new BadBody(
    "The body looks like JSON: send Content-Type: application/json.",
  );
}

const alternatives = new Intl.ListFormat("en-GB", { type: "disjunction" });

function refuse(contentType: string, otherTypes: readonly string[]): never {
  const types = ["application/x-www-form-urlencoded", "multipart/form-data", "application/json"];
  const advice = `Use ${alternatives.format([...types, ...otherTypes])}.`;
  throw new UnsupportedContentType(
    `Content type not supported: ${contentType === "" ? "none was given" : contentType}. ${advice}`,
    `Content type not supported. ${advice}`,
  );
}

/** By hand: `parse` of `node:querystring` would take more than twice the time. */
function addForm(fields: FieldMap, text: string): void {
  const pairs = text.split("&", MAX_FIELDS + 1);
  if (pairs.length > MAX_FIELDS) throw tooManyFields();
  const read = (part: string) => ownPart(unescape(part), text);
  for (const pair of pairs) {
    if (pair === "") continue;
    const nameEnd = pair.indexOf("=");
    if (nameEnd < 0) fields.add(read(pair), "");
    else fields.add(read(pair.slice(0, nameEnd)), read(pair.slice(nameEnd + 1)));
  }
}

/** Reads `+` as a space and `%41` as a byte of UTF-8; a percent sign before anything else is itself. */
function unescape(text: string): string {
  const spaced = text.includes("+") ? plusToSpace(text) : text;
  if (!/%[0-9a-f]{2}/i.test(spaced)) return spaced;
  // After a percent sign that escapes nothing, it would take each character for a byte.
  return unescapeBytes(spaced.replace(NOT_ASCII, encodeURIComponent));
}

/** In millions of plus signs `replaceAll` takes half a second. */
function plusToSpace(text: string): string {
  if (text.length <= LONG_TEXT) return text.replaceAll("+", " ");
  const bytes = new TextEncoder().encode(text);
  for (let at = 0; at < bytes.length; at++) if (bytes[at] === PLUS) bytes[at] = SPACE;
  return new TextDecoder("utf-8", { ignoreBOM: true }).decode(bytes);
}

async function addMultipart(
  fields: FieldMap,
  request: Request,
  limits: BodyLimits,
): Promise<void> {
  const bytes = await readBytes(request, limits);
  const boundary = boundaryOf(request.headers.get("Content-Type") ?? "");
  if (boundary === undefined) throw badMultipart();
  // Each part begins with one, and the last of them ends the body.
  if (countUpTo(MAX_FIELDS + 2, bytes, `--${boundary}`) > MAX_FIELDS + 1) throw tooManyFields();
  const headers = { "Content-Type": `multipart/form-data; boundary="${boundary}"` };
  let form: FormData;
  try {
    form = await new Response(bytes, { headers }).formData();
  } catch {
    throw badMultipart();
  }
  for (const [name, value] of form) {
    fields.add(name, typeof value === "string" ? value : await value.text());
  }
}

function boundaryOf(contentType: string): string | undefined {
  const [, quoted, plain] = BOUNDARY.exec(contentType) ?? [];
  return quoted ?? plain;
}

/** How many times an ASCII text is among bytes; no more than `most` are counted. */
function countUpTo(most: number, bytes: Uint8Array, text: string): number {
  const all = new TextDecoder("latin1").decode(bytes);
  let found = 0;
  let at = all.indexOf(text);
  while (at >= 0 && found < most) {
    found++;
    at = all.indexOf(text, at + text.length);
  }
  return found;
}

function badMultipart(): BadBody {
  return new BadBody("Body not understood: it is not well-formed multipart/form-data.");
}

function tooManyFields(): TooLarge {
  return new TooLarge(`Body too large: more than ${MAX_FIELDS} fields.`);
}

function addJson(fields: FieldMap, text: string, limits: BodyLimits): void {
  checkJson(text, limits);
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
      const rule = "must be a text, a number or an array of them.";
      throw new BadBody(
        `Body not understood: its member ${JSON.stringify(name)} ${rule}`,
        `Body not understood: its members ${rule}`,
      );
    }
    fields.add(name, String(item));
  }
}
