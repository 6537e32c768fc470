import type { ActivityLog } from "../observability/activity_log.ts";
import type { Logger } from "../observability/logger.ts";
import { authorityOf } from "./target.ts";

/** No site has as many; whoever makes origins up must not fill the log. */
const MAX_LOGGED = 100;

/** No host name is as long. */
const MAX_ORIGIN_LENGTH = 300;

/**
 * Logs each other origin whose page asked for something and may not read the answer, once, with the
 * flag that would allow it. Only the browser's console tells otherwise. It stops after 100 origins.
 */
export class CorsRefusals {
  readonly #origins: readonly string[] | "*";
  readonly #logger: Logger;
  readonly #activity: ActivityLog;
  readonly #logged = new Set<string>();

  /** @param origins those allowed. */
  constructor(origins: readonly string[] | "*", logger: Logger, activity: ActivityLog) {
    this.#origins = origins;
    this.#logger = logger;
    this.#activity = activity;
  }

  /** Notes a request whose answer no page of its origin may read. */
  note(request: Request): void {
    const origins = this.#origins;
    if (origins === "*") return;
    const origin = request.headers.get("Origin");
    if (origin === null || origins.includes(origin) || !isForeign(origin, request)) return;
    this.#activity.notice?.("answer not readable for the page of another origin", { origin });
    if (this.#logged.has(origin) || this.#logged.size === MAX_LOGGED) return;
    this.#logged.add(origin);
    const allowed = origin === "null" ? "*" : [...origins, origin].join(",");
    this.#logger.warn("a page of another origin cannot connect", {
      origin,
      flag: `-cors ${allowed}`,
    });
  }
}

/** Whether an origin is one that a browser sends, and not the server's own. */
function isForeign(origin: string, request: Request): boolean {
  // A page in a file, or in a sandbox.
  if (origin === "null") return true;
  if (origin.length > MAX_ORIGIN_LENGTH) return false;
  const url = URL.parse(origin);
  const host = request.headers.get("Host") ?? authorityOf(request);
  return url !== null && url.origin === origin && url.host !== host;
}

/**
 * The headers that let a page of another origin read an answer (Fetch Standard, CORS protocol).
 *
 * @param origins those allowed; with a list, pages may also send cookies, with `"*"` they may not.
 */
export function corsHeaders(
  request: Request,
  origins: readonly string[] | "*",
): Readonly<Record<string, string>> {
  if (origins === "*") return { "Access-Control-Allow-Origin": "*" };
  if (origins.length === 0) return {};
  const origin = request.headers.get("Origin");
  // Also without a match: a cache must not give one origin's answer to another.
  if (origin === null || !origins.includes(origin)) return { Vary: "Origin" };
  return {
    "Access-Control-Allow-Origin": origin,
    "Access-Control-Allow-Credentials": "true",
    Vary: "Origin",
  };
}

/** What a preflight is told: the methods and the headers that a page may send. */
export interface CorsAllowance {
  readonly methods: string;
  readonly headers: string;
}

/**
 * The answer to a preflight: what a page may send, where its origin is allowed at all.
 *
 * @param cors the headers that the router adds to this answer as to every other.
 */
export function preflight(
  cors: Readonly<Record<string, string>>,
  { methods, headers }: CorsAllowance,
): Response {
  const allowed = "Access-Control-Allow-Origin" in cors;
  return new Response(null, {
    status: 204,
    headers: {
      Allow: `${methods}, OPTIONS`,
      ...(allowed && {
        "Access-Control-Allow-Methods": methods,
        "Access-Control-Allow-Headers": headers,
        "Access-Control-Max-Age": "86400",
      }),
    },
  });
}
