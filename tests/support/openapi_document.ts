/**
 * docs/openapi.yaml, and the JSON that the control listener serves of it. `deno task docs` writes the JSON; a test
 * fails where the file is another.
 *
 * @module
 */
import { parse } from "npm:yaml@2.9.1";

const SOURCE = new URL("../../docs/openapi.yaml", import.meta.url);
const SERVED = new URL("../../src/http/handlers/openapi.json", import.meta.url);

/** A JSON object. */
type Json = Readonly<Record<string, unknown>>;

/** The answer to an operation with one status. */
export interface DocumentedAnswer {
  /** The errors behind it, as `x-errors` names them. */
  readonly "x-errors"?: readonly string[];
  readonly content?: Json;
}

/** What a path does with a method. */
export interface Operation {
  readonly operationId: string;
  readonly tags: readonly string[];
  readonly summary: string;
  readonly responses: Readonly<Record<string, DocumentedAnswer>>;
  /** Default: that of the document. */
  readonly security?: readonly Json[];
  readonly "x-needs"?: string;
  readonly "x-flag"?: string;
}

/** The operations of a path by method, and where it is served. */
export interface PathItem extends Readonly<Partial<Record<Method, Operation>>> {
  readonly servers: readonly { readonly url: string }[];
}

/** A method in lower case. */
export type Method = "get" | "head" | "post" | "delete" | "options";

/** The document, with every reference to an answer replaced by that answer. */
export interface OpenApiDocument {
  readonly info: { readonly version: string };
  readonly servers: readonly { readonly url: string }[];
  readonly security: readonly Json[];
  readonly paths: Readonly<Record<string, PathItem>>;
  readonly "x-errors-elsewhere": Readonly<Record<string, DocumentedAnswer>>;
}

/** The methods that an operation may have. */
export const METHODS = ["get", "head", "post", "delete", "options"] as const;

/** The JSON that is served. */
export async function openApiJson(): Promise<string> {
  return JSON.stringify(parse(await Deno.readTextFile(SOURCE)), undefined, 2) + "\n";
}

/** Reads the document. */
export async function readOpenApi(): Promise<OpenApiDocument> {
  const document = JSON.parse(await openApiJson());
  const { responses } = document.components;
  const text = JSON.stringify(
    document,
    (_, value) =>
      responses[/^#\/components\/responses\/(\w+)$/.exec(value?.$ref)?.[1] ?? ""] ?? value,
  );
  return JSON.parse(text);
}

if (import.meta.main) await Deno.writeTextFile(SERVED, await openApiJson());
