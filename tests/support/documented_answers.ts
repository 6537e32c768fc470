/**
 * Holds answers against docs/openapi.yaml: whether a listener may give them to a request.
 *
 * @module
 */
import { type Method, METHODS, type Operation, readOpenApi } from "./openapi_document.ts";

/** One of the two listeners. */
export type ListenerName = "client" | "control";

const document = await readOpenApi();

/** What the guard of the control listener answers before it looks at the path. */
const GUARD_STATUSES: Readonly<Record<ListenerName, readonly number[]>> = {
  client: [],
  control: [401, 403],
};

/** The listeners that serve a path of the document. */
export function listenersOf(path: string): readonly ListenerName[] {
  const [control, client] = document.servers;
  const urls = document.paths[path]?.servers.map(({ url }) => url) ?? [];
  return [
    ...(urls.includes(String(client?.url)) ? ["client" as const] : []),
    ...(urls.includes(String(control?.url)) ? ["control" as const] : []),
  ];
}

/** Every operation of the document, with its method in capitals. */
export function operations(): readonly (readonly [string, string, Operation])[] {
  return Object.entries(document.paths).flatMap(([path, item]) =>
    METHODS.flatMap((method) => {
      const operation = item[method];
      return operation === undefined ? [] : [[method.toUpperCase(), path, operation] as const];
    })
  );
}

/** @throws {Error} if the document does not say that a listener may answer a request so. */
export function checkDocumented(
  listener: ListenerName,
  method: string,
  target: string,
  { status, headers, body }: Response,
): void {
  const path = documentedPath(listener, target.replace(/\?.*/s, ""));
  const operation = path === undefined
    ? undefined
    : document.paths[path]?.[method.toLowerCase() as Method];
  const statuses = operation === undefined
    ? [path === undefined ? 404 : 405, ...GUARD_STATUSES[listener]]
    : Object.keys(operation.responses).map(Number);
  const told = `${method} ${path ?? target} answered ${status}`;
  // A flag that is not set leaves a method, or a whole path, out.
  if (operation?.["x-flag"] !== undefined && [404, 405].includes(status)) return;
  if (!statuses.includes(status)) {
    throw new Error(`${told}, which docs/openapi.yaml does not name: ${statuses.join(", ")}`);
  }
  const content = operation?.responses[status]?.content ?? {};
  const type = headers.get("Content-Type")?.replace(/;.*/s, "") ?? "";
  if (body === null || method === "HEAD" || operation === undefined || type in content) return;
  throw new Error(`${told} with ${type}, which docs/openapi.yaml does not name`);
}

function documentedPath(listener: ListenerName, path: string): string | undefined {
  return Object.keys(document.paths).find((documented) =>
    listenersOf(documented).includes(listener) && patternOf(documented).test(path)
  );
}

function patternOf(path: string): RegExp {
  const pattern = RegExp.escape(path).replaceAll(RegExp.escape("{name}"), "[^/]+");
  return new RegExp(`^${pattern}${path.endsWith("/") && path !== "/" ? "?" : ""}$`);
}
