import type { Hub } from "../../hub/hub.ts";
import type { Clock } from "../../lib/clock.ts";
import type { Logger } from "../../observability/logger.ts";
import type { TokenVerifier } from "../../auth/token_cache.ts";
import { MethodNotAllowed, NotFound, TokenRefused } from "../../lib/errors.ts";
import { answerError } from "../answers.ts";
import { bearerOf } from "../bearer.ts";
import { corsHeaders, preflight } from "../cors.ts";
import { type Target, targetOf } from "../target.ts";

/** What the client listener works with. */
export interface SubscribeDeps {
  readonly hub: Hub;
  readonly tokens: TokenVerifier;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly corsOrigins: readonly string[] | "*";
  /** The name of the cookie that may hold a token. */
  readonly cookie: string;
}

/** The part of `Deno.ServeHandlerInfo` that tells when a connection is done with an answer. */
export interface Connection {
  readonly completed: Promise<void>;
}

type Query = Target["query"];

const STREAM_HEADERS = {
  "Content-Type": "text/event-stream",
  // no-transform: a proxy that compresses would also hold events back.
  "Cache-Control": "no-cache, no-transform",
  "X-Accel-Buffering": "no",
};

/** The listener that browsers reach: `GET /events/` and its preflight. */
export class SubscribeHandler {
  readonly #deps: SubscribeDeps;
  constructor(deps: SubscribeDeps) {
    this.#deps = deps;
  }

  /**
   * Answers one request; never throws.
   *
   * @param connection settles once the runtime has let go of a stream's connection.
   */
  async handle(request: Request, connection?: Connection): Promise<Response> {
    const { corsOrigins, logger } = this.#deps;
    const cors = corsHeaders(request, corsOrigins);
    try {
      const { path, query } = targetOf(request);
      if (path !== "/events/" && path !== "/events") {
        throw new NotFound("Not found: events are at /events/.");
      }
      if (request.method === "OPTIONS") return preflight(cors);
      if (request.method !== "GET") throw new MethodNotAllowed("GET, OPTIONS");
      return await this.#open(request, connection, query, cors);
    } catch (error) {
      const response = answerError(error, request, logger);
      for (const [name, value] of Object.entries(cors)) {
        response.headers.set(name, value);
      }
      return response;
    }
  }

  async #open(
    request: Request,
    connection: Connection | undefined,
    query: Query,
    cors: Readonly<Record<string, string>>,
  ): Promise<Response> {
    const { hub, tokens, clock, cookie } = this.#deps;
    const bearer = bearerOf(request);
    // Another scheme is none of ours: a whole site may stand behind Basic.
    const token = bearer ?? (query?.get("token") || findCookie(request, cookie));
    if (token === undefined) {
      throw new TokenRefused(
        `Token missing: send it as Authorization: Bearer TOKEN, as ?token=TOKEN, or in the cookie ${cookie}.`,
        true,
      );
    }
    const claims = await tokens.verify(token, clock.wall() / 1000);
    const headers = { ...STREAM_HEADERS, ...cors };
    const options = {
      lastEventId: findLastEventId(request, query),
      isEventSource: bearer === undefined,
      ...connection === undefined ? {} : { closed: connection.completed },
    };
    const reason = hub.rejection;
    if (reason !== undefined) {
      // Any status but 200 would end a browser's EventSource for good (HTML Standard, 9.2.3).
      return new Response(hub.reject(reason, claims, options), { headers });
    }
    return new Response(hub.subscribe(claims, options).body, { headers });
  }
}

function findCookie(request: Request, name: string): string | undefined {
  for (const pair of request.headers.get("Cookie")?.split(";") ?? []) {
    const [key, ...value] = pair.split("=");
    const text = value.join("=").trim().replace(/^"(.*)"$/, "$1");
    if (key?.trim() === name && text !== "") return text;
  }
  return undefined;
}

/** Browsers send the header; the polyfill that the replaced program's users have sends the query. */
function findLastEventId(request: Request, query: Query): string | undefined {
  const header = request.headers.get("Last-Event-ID");
  if (header) return decodeUtf8(header);
  return query?.get("lastEventId") || query?.get("last_event_id") || undefined;
}

/** The runtime reads header values as Latin-1, browsers send an event's id in UTF-8. */
function decodeUtf8(value: string): string {
  return new TextDecoder().decode(
    Uint8Array.from(value, (char) => char.charCodeAt(0)),
  );
}
