import { BadBody, TooLarge, UnsupportedContentType } from "../words/errors.ts";
import type { Fields } from "../words/requests.ts";

/** Room for the other fields, and for what a format puts around them. */
const OVERHEAD_BYTES = 65_536;

/** A byte of a payload takes up to six in a body: `\u000a` in JSON. */
const BYTES_PER_BYTE = 6;

/** The largest body in which a payload of `maxPayloadBytes` may come. */
export function maxBodyBytes(maxPayloadBytes: number): number {
  return maxPayloadBytes * BYTES_PER_BYTE + OVERHEAD_BYTES;
}

/**
 * Reads the fields of a control request: from a body that is urlencoded, multipart/form-data or
 * JSON, and from the query where the body does not have them.
 *
 * @throws BadBody, TooLarge past `limit` bytes, UnsupportedContentType
 */
export async function readFields(
  request: Request,
  url: URL,
  limit: number,
): Promise<Fields> {
  const fields = new FieldMap();
  await addBody(fields, request, limit);
  if (url.search !== "") fields.addMissing(url.searchParams);
  return fields;
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

async function addBody(
  fields: FieldMap,
  request: Request,
  limit: number,
): Promise<void> {
  const header = request.headers.get("Content-Type") ?? "";
  const type = header.split(";", 1)[0]?.trim().toLowerCase();
  switch (type) {
    case "application/x-www-form-urlencoded": {
      const text = decode(await readBytes(request, limit));
      for (const [name, value] of new URLSearchParams(text)) {
        fields.add(name, value);
      }
      return;
    }
    case "multipart/form-data":
      return await addMultipart(
        fields,
        await readBytes(request, limit),
        header,
      );
    case "application/json":
      return addJson(fields, decode(await readBytes(request, limit)));
    default:
      if (type === "" && (await readBytes(request, limit)).length === 0) return;
      throw new UnsupportedContentType(
        `Content type not supported${type === "" ? ": none was given" : `: ${type}`}. ` +
          "Use application/x-www-form-urlencoded, multipart/form-data or application/json.",
      );
  }
}

async function addMultipart(
  fields: FieldMap,
  bytes: Uint8Array<ArrayBuffer>,
  contentType: string,
): Promise<void> {
  let form: FormData;
  try {
    form = await new Response(bytes, {
      headers: { "Content-Type": contentType },
    }).formData();
  } catch {
    throw new BadBody(
      "Body not understood: it is not well-formed multipart/form-data.",
    );
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
    addJsonMember(fields, name, member);
  }
}

function addJsonMember(fields: FieldMap, name: string, member: unknown): void {
  if (member === null || member === undefined) return;
  // Data may be any JSON: the clients get its text.
  if (typeof member === "object" && name === "data") {
    fields.add(name, JSON.stringify(member));
  } else if (Array.isArray(member)) {
    for (const item of member) addJsonMember(fields, name, item);
  } else if (typeof member === "object") {
    throw new BadBody(`Body not understood: its member ${name} is an object.`);
  } else fields.add(name, String(member));
}

async function readBytes(
  request: Request,
  limit: number,
): Promise<Uint8Array<ArrayBuffer>> {
  const tooLarge = () => new TooLarge(`Body too large: more than ${limit} bytes (-max-payload).`);
  const announced = request.headers.get("Content-Length");
  if (announced !== null) {
    if (Number(announced) > limit) throw tooLarge();
    return await request.bytes();
  }
  const chunks: Uint8Array[] = [];
  let length = 0;
  for await (const chunk of request.body ?? []) {
    length += chunk.length;
    if (length > limit) throw tooLarge();
    chunks.push(chunk);
  }
  const bytes = new Uint8Array(length);
  let at = 0;
  for (const chunk of chunks) {
    bytes.set(chunk, at);
    at += chunk.length;
  }
  return bytes;
}

function decode(bytes: Uint8Array): string {
  return new TextDecoder().decode(bytes);
}
