/**
 * Bodies of control requests in every encoding, and what a server must read out of them.
 *
 * @module
 */
import { concatBytes } from "../../src/lib/bytes.ts";
import type { SeededRandom } from "../support/seeded_random.ts";
import type { Field } from "./emit_model.ts";

/** The ways to send fields. */
export const ENCODINGS = ["urlencoded", "sloppy", "multipart", "json", "query", "split"] as const;

/** One of {@link ENCODINGS}. */
export type Encoding = typeof ENCODINGS[number];

/** Fields that were encoded. */
export interface Encoded {
  /** With its question mark; empty if there is none. */
  readonly query: string;
  /** Empty for none. */
  readonly contentType: string;
  readonly body: Uint8Array<ArrayBuffer>;
  /** What is to be read out of it: some encodings cannot carry every text. */
  readonly fields: readonly Field[];
}

const encoder = new TextEncoder();

/** Encodes fields. */
export function encodeFields(
  fields: readonly Field[],
  encoding: Encoding,
  random: SeededRandom,
): Encoded {
  switch (encoding) {
    case "urlencoded":
      return form(urlencoded(fields, random), random);
    case "sloppy":
      return form(sloppy(fields, random), random);
    case "multipart":
      return multipart(fields, random);
    case "json":
      return {
        query: "",
        contentType: random.pick([
          "application/json",
          "application/json; charset=utf-8",
          "Application/JSON",
        ]),
        body: encoder.encode(jsonOf(fields, random)),
        fields: inJsonOrder(fields),
      };
    case "query": {
      const query = `?${urlencoded(fields, random)}`;
      return {
        query,
        contentType: "",
        body: new Uint8Array(),
        fields: [...new URLSearchParams(query)],
      };
    }
    case "split":
      return split(fields, random);
  }
}

function form(text: string, random: SeededRandom): Encoded {
  return {
    query: "",
    contentType: random.pick([
      "application/x-www-form-urlencoded",
      "application/x-www-form-urlencoded;charset=UTF-8",
      "Application/X-WWW-Form-Urlencoded",
    ]),
    body: encoder.encode(text),
    fields: readForm(text),
  };
}

/** By the URL Standard: the runtime's own parser is the judge. */
function readForm(text: string): Field[] {
  return [...new URLSearchParams(`&${text.toWellFormed()}`)];
}

/** Some in the query, and some of them in the body too, where they win. */
function split(fields: readonly Field[], random: SeededRandom): Encoded {
  const query = fields.filter(() => random.chance(0.5));
  const inQuery = encodeFields(query, "query", random);
  const inBody = encodeFields(
    fields.filter((field) => !query.includes(field) || random.chance(0.2)),
    random.pick(["urlencoded", "json", "multipart"]),
    random,
  );
  const plain = ([name]: Field) => name.replace(/\[\d*\]$/, "");
  const names = new Set(inBody.fields.map(plain));
  return {
    ...inBody,
    query: inQuery.query,
    fields: [...inBody.fields, ...inQuery.fields.filter((field) => !names.has(plain(field)))],
  };
}

function urlencoded(fields: readonly Field[], random: SeededRandom): string {
  const spaces = random.pick(["+", "%20"]);
  const escape = (text: string) =>
    encodeURIComponent(text.toWellFormed()).replaceAll("%20", spaces);
  return fields.map(([name, value]) => `${escape(name)}=${escape(value)}`).join("&");
}

/** As careless programs do it: what need not be escaped is not, and some of what must be is not either. */
function sloppy(fields: readonly Field[], random: SeededRandom): string {
  const escaped = random.pick([/[&=+%#\r\n\0]/g, /[&=]/g, /[^a-z]/g]);
  const escape = (text: string) =>
    text.toWellFormed().replace(escaped, (char) => {
      // Halves of pairs stay as they are.
      const hex = char.isWellFormed() ? encodeURIComponent(char) : char;
      return random.chance(0.5) ? hex : hex.toLowerCase();
    });
  const text = fields.map(([name, value]) => `${name}=${escape(value)}`).join("&");
  if (!random.chance(0.3)) return text;
  return text +
    random.pick(["&", "&&", "&x", "%", "%4", "%zz", "%ff", "+", "&=", "%00", "%E2%82", ";"]);
}

function multipart(fields: readonly Field[], random: SeededRandom): Encoded {
  const boundary = random.pick([
    "b",
    "----------------------------x",
    "a.b-c_d",
    "X".repeat(70),
    "a b",
    "a'b",
  ]);
  const quoted = boundary.includes(" ") || random.chance(0.3) ? `"${boundary}"` : boundary;
  const isFile = fields.map(() => random.chance(0.05));
  const parts = fields.map(([name, value], index) => {
    const file = isFile[index] ? '; filename="f.txt"' : "";
    const type = random.chance(0.1) ? "Content-Type: text/plain\r\n" : "";
    return `--${boundary}\r\nContent-Disposition: form-data; name="${name}"${file}\r\n${type}\r\n${value}\r\n`;
  });
  return {
    query: "",
    contentType: `multipart/form-data; boundary=${quoted}`,
    body: encoder.encode(`${parts.join("")}--${boundary}--\r\n`),
    // Deno's parser takes a byte order mark off the start of every value.
    fields: fields.map(([name, value]) =>
      [name, value.toWellFormed().replace(/^\uFEFF/, "")] as const
    ),
  };
}

/** A JSON object, where several values of a name are an array. */
export function jsonOf(fields: readonly Field[], random: SeededRandom): string {
  const members = new Map<string, string[]>();
  for (const [name, value] of fields) {
    members.set(name, [...members.get(name) ?? [], escapedJson(value, random)]);
  }
  const space = random.pick(["", "", " ", "\t"]);
  const texts = [...members].map(([name, values]) =>
    `${JSON.stringify(name)}${space}:${space}${values.length === 1 ? values[0] : `[${values}]`}`
  );
  if (random.chance(0.05)) texts.push('"x":null');
  return `{${space}${texts.join(`,${space}`)}${space}}`;
}

/** What is to be read out of a JSON object: values of one name together, and several of `data` as their JSON. */
export function inJsonOrder(fields: readonly Field[]): Field[] {
  const names = new Set(fields.map(([name]) => name));
  return [...names].flatMap((name): Field[] => {
    const all = fields.filter((field) => field[0] === name);
    return name === "data" && all.length > 1
      ? [[name, JSON.stringify(all.map(([, value]) => value))]]
      : all;
  });
}

function escapedJson(value: string, random: SeededRandom): string {
  const text = JSON.stringify(value);
  if (!random.chance(0.1)) return text;
  return text.replace(
    /[^\x20-\x7e]/g,
    (unit) => "\\u" + unit.charCodeAt(0).toString(16).padStart(4, "0"),
  );
}

/** A body as it goes over the wire, with the lines of the head that say how long it is. */
export function framed(
  body: Uint8Array<ArrayBuffer>,
  random: SeededRandom,
): { readonly head: string; readonly bytes: Uint8Array<ArrayBuffer> } {
  if (random.chance(0.8)) return { head: `Content-Length: ${body.length}\r\n`, bytes: body };
  return { head: "Transfer-Encoding: chunked\r\n", bytes: chunked(body, random) };
}

/** A body in chunks of any size, some with extensions, and with trailers now and then. */
export function chunked(
  body: Uint8Array<ArrayBuffer>,
  random: SeededRandom,
): Uint8Array<ArrayBuffer> {
  const parts: Uint8Array[] = [];
  const most = random.pick([1, 3, 20, 1000, 100_000]);
  for (let at = 0; at < body.length;) {
    const size = Math.max(random.between(1, most), Math.ceil(body.length / 2000));
    const chunk = body.subarray(at, at + size);
    const hex = chunk.length.toString(16);
    const written = random.pick([hex, hex, hex.toUpperCase(), `000${hex}`]);
    const extension = random.pick(["", "", "", ";a", ";a=b", ';a="b;c"', " "]);
    parts.push(encoder.encode(`${written}${extension}\r\n`), chunk, encoder.encode("\r\n"));
    at += chunk.length;
  }
  const trailer = random.pick(["", "", "", "X-Trailer: a\r\n", "Content-Length: 5\r\nHost: x\r\n"]);
  parts.push(encoder.encode(`0\r\n${trailer}\r\n`));
  return concatBytes(parts);
}
