import type { Hub } from "../../hub/hub.ts";
import type { Clock } from "../../lib/clock.ts";
import type { Claims } from "../../auth/claims.ts";
import type { TokenVerifier } from "../../auth/token_cache.ts";
import { BadField, TokenRefused } from "../../lib/errors.ts";
import { bearerOf } from "../bearer.ts";
import type { RoutedRequest, RouteHandler } from "../router.ts";

/** What subscribing works with. */
export interface SubscribeDeps {
  readonly hub: Hub;
  readonly tokens: TokenVerifier;
  readonly clock: Clock;
  /** The name of the cookie that may hold a token. */
  readonly cookie: string;
}

type Query = RoutedRequest["query"];

const STREAM_HEADERS = {
  "Content-Type": "text/event-stream",
  // no-transform: a proxy that compresses would also hold events back.
  "Cache-Control": "no-cache, no-transform",
  "X-Accel-Buffering": "no",
};

/** `GET /events/`: opens a stream. It throws TokenRefused and BadField. */
export function subscribeHandler(deps: SubscribeDeps): RouteHandler {
  const { tokens, clock, cookie } = deps;
  return (routed) => {
    const bearer = bearerOf(routed.request);
    // Another scheme is none of ours: a whole site may stand behind Basic.
    const token = bearer ?? (routed.query?.get("token") || findCookie(routed.request, cookie));
    if (token === undefined) {
      throw new TokenRefused(
        `Token missing: send it as Authorization: Bearer TOKEN, as ?token=TOKEN, or in the cookie ${cookie}.`,
        true,
      );
    }
    const isBearer = bearer !== undefined;
    const claims = tokens.verify(token, clock.wall() / 1000);
    return claims instanceof Promise
      ? claims.then((claims) => openStream(deps.hub, routed, claims, isBearer))
      : openStream(deps.hub, routed, claims, isBearer);
  };
}

function openStream(
  hub: Hub,
  { request, query, connection }: RoutedRequest,
  claims: Claims,
  isBearer: boolean,
): Response {
  const wantsHello = readGreeting(query);
  const options = {
    lastEventId: findLastEventId(request, query),
    // A browser's own needs no such event, and other clients need no blank lines.
    isEventSource: !isBearer && !wantsHello,
    wantsHello,
    closed: connection.completed,
  };
  const reason = hub.rejection;
  // Any status but 200 would end a browser's EventSource for good (HTML Standard, 9.2.3).
  const body = reason === undefined
    ? hub.subscribe(claims, options).body
    : hub.reject(reason, claims, options);
  return new Response(body as BodyInit, { headers: STREAM_HEADERS });
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

/** Whether a stream is to begin with an event, rather than with a comment. @throws BadField */
function readGreeting(query: Query): boolean {
  if (!query?.has("greeting")) return false;
  if (query.get("greeting") === "event") return true;
  throw new BadField(
    "greeting",
    "Bad field greeting: it must be event, or be left out for a stream that begins with a comment.",
  );
}

/** The runtime reads header values as Latin-1, browsers send an event's id in UTF-8. */
function decodeUtf8(value: string): string {
  return new TextDecoder().decode(
    Uint8Array.from(value, (char) => char.charCodeAt(0)),
  );
}
