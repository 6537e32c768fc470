import type { ConnectOptions } from "../../hub/connect_options.ts";
import type { Hub } from "../../hub/hub.ts";
import type { ExceededLimit, StreamPlaces } from "../../hub/stream_places.ts";
import type { Subscriber } from "../../hub/subscriber.ts";
import type { Clock } from "../../lib/clock.ts";
import { isPattern } from "../../auth/channel_grants.ts";
import type { Claims, TokenClaims } from "../../auth/claims.ts";
import { keyGone, tooLong } from "../../auth/token_refusals.ts";
import { heardByAnyone, heardByToken, type HearingRules } from "../../auth/heard_channels.ts";
import type { Revocations } from "../../auth/revocations.ts";
import { sharedChannels } from "../../auth/subscription.ts";
import type { TokenVerifier } from "../../auth/token_verifier.ts";
import type { RefusedClient } from "../../explain/client_refusal.ts";
import { BadField, HttpError, KeysUnavailable, TokenRefused } from "../../lib/errors.ts";
import type { ActivityLog } from "../../observability/activity_log.ts";
import { isName, NAME_RULE } from "../../lib/names.ts";
import type { TrustedProxies } from "../../lib/trusted_proxies.ts";
import { bearerOf } from "../bearer.ts";
import { findMisplacedToken } from "../misplaced_token.ts";
import type { RoutedRequest, RouteHandler } from "../router.ts";
import { readOrigin } from "./read_origin.ts";

/** What subscribing works with. */
export interface SubscribeDeps extends HearingRules {
  readonly hub: Hub;
  /** Default: as many streams as come. */
  readonly places?: StreamPlaces | undefined;
  readonly tokens: TokenVerifier;
  /** A longer token is not looked at. */
  readonly maxTokenBytes: number;
  readonly revocations: Revocations;
  readonly clock: Clock;
  /** The name of the cookie that may hold a token. */
  readonly cookie: string;
  readonly activity: ActivityLog;
  /** Is told of each client that gets an error. Default: nobody is. */
  readonly refused?: (error: HttpError, client: RefusedClient) => void;
  readonly proxies: TrustedProxies;
}

type Query = RoutedRequest["query"];

const STREAM_HEADERS = {
  "Content-Type": "text/event-stream",
  // no-transform: a proxy that compresses would also hold events back.
  "Cache-Control": "no-cache, no-transform",
  "X-Accel-Buffering": "no",
};

/** `GET /events/`: opens a stream. It throws TokenRefused, ChannelRefused and BadField. */
export function subscribeHandler(deps: SubscribeDeps): RouteHandler {
  const { refused, proxies } = deps;
  return (routed) => {
    const attempt: Attempt = { token: undefined, claims: undefined, asked: undefined };
    const fail = (error: unknown): never => {
      if (error instanceof HttpError) {
        refused?.(error, { ...attempt, origin: readOrigin(routed, proxies) });
      }
      throw error;
    };
    try {
      const response = subscribe(deps, routed, attempt);
      return response instanceof Promise ? response.catch(fail) : response;
    } catch (error) {
      return fail(error);
    }
  };
}

/** What is known so far of a client that asks for a stream. */
interface Attempt {
  token: string | undefined;
  claims: TokenClaims | undefined;
  asked: readonly string[] | undefined;
}

function subscribe(
  deps: SubscribeDeps,
  routed: RoutedRequest,
  attempt: Attempt,
): Response | Promise<Response> {
  const { hub, tokens, maxTokenBytes, clock, cookie } = deps;
  const { request, query } = routed;
  const bearer = bearerOf(request);
  // Another scheme is none of ours: a whole site may stand behind Basic.
  const token = bearer ?? (query?.get("token") || findCookie(request, cookie));
  attempt.token = token;
  const asked = readChannels(query);
  attempt.asked = asked;
  const client = { ...routed, isBearer: bearer !== undefined };
  if (token === undefined) {
    const claims = heardByAnyone(asked, deps);
    if (claims !== undefined) return openStream(deps, claims, client);
    throw missingToken(findMisplacedToken(request, query), cookie);
  }
  if (token.length > maxTokenBytes) throw tooLong(token, maxTokenBytes);
  const open = (claims: TokenClaims) => {
    attempt.claims = claims;
    return openStream(deps, heardByToken(claims, asked, deps), client);
  };
  const claims = tokens.verify(token, clock.wall() / 1000);
  if (!(claims instanceof Promise)) return open(claims);
  return claims.then(open, (error) => {
    if (!(error instanceof KeysUnavailable)) throw error;
    return streamOf(hub.reject("keys unavailable", undefined, readOptions(client, deps)));
  });
}

interface Client extends RoutedRequest {
  /** Whether it sends its token in a header, which a browser's own EventSource cannot. */
  readonly isBearer: boolean;
}

/** A stream has its place before all else is decided: for a place, another thread may have to be asked. */
function openStream(
  deps: SubscribeDeps,
  granted: Claims,
  client: Client,
): Response | Promise<Response> {
  const options = readOptions(client, deps);
  const place = deps.places?.take(granted, options.origin);
  return place instanceof Promise
    ? place.then((exceeded) => answerWith(exceeded, deps, granted, options))
    : answerWith(place, deps, granted, options);
}

/** @param exceeded `undefined` for a client that has its place, which a stream that does not open gives back. */
function answerWith(
  exceeded: ExceededLimit | undefined,
  deps: SubscribeDeps,
  granted: Claims,
  options: ConnectOptions,
): Response {
  const { hub, tokens, places, activity } = deps;
  let stream: Subscriber | undefined;
  try {
    // Since the token was verified, its key may have gone.
    if (!tokens.hasKeyOf(granted)) throw keyGone();
    const claims = withoutRevoked(granted, deps);
    const reason = hub.rejection(claims) ?? exceeded;
    if (reason !== undefined) return streamOf(hub.reject(reason, claims, options));
    stream = hub.subscribe(claims, options);
    const { user, channels } = claims;
    const from = options.lastEventId === undefined ? "now" : "last event id";
    activity.notice?.("stream opened", { stream: stream.id, user, channel: channels, from });
    return streamOf(stream.body);
  } finally {
    if (stream === undefined && exceeded === undefined) places?.giveBack(granted, options.origin);
  }
}

/** What a stream may hear that was not revoked. @throws TokenRefused if nothing is left. */
function withoutRevoked(claims: Claims, { revocations, clock }: SubscribeDeps): Claims {
  const channels = revocations.allowed(claims, clock.wall() / 1000);
  if (channels === claims.channels) return claims;
  if (channels.length > 0) return { ...claims, channels: sharedChannels(channels) };
  throw new TokenRefused("revoked", "Token refused: it was revoked.");
}

/** A stream. Any status but 200 would end a browser's EventSource for good (HTML Standard, 9.2.3). */
export function streamOf(body: BodyInit | ReadableStream): Response {
  return new Response(body as BodyInit, { headers: STREAM_HEADERS });
}

/** @throws BadField */
function readOptions(client: Client, { proxies }: SubscribeDeps): ConnectOptions {
  const { request, query, connection, isBearer } = client;
  const wantsHello = readGreeting(query);
  return {
    origin: readOrigin(client, proxies),
    lastEventId: findLastEventId(request, query),
    // A browser's own needs no such event, and other clients need no blank lines.
    isEventSource: !isBearer && !wantsHello,
    wantsHello,
    closed: connection.completed,
  };
}

/** The channels that a client asks for, each once; `undefined` if it asks for none. @throws BadField */
function readChannels(query: Query): readonly string[] | undefined {
  if (!query?.has("channel")) return undefined;
  const channels = [...new Set(query.getAll("channel"))];
  for (const channel of channels) {
    if (!isName(channel)) {
      throw new BadField("channel", `Bad field channel: it must be ${NAME_RULE}.`);
    }
    if (isPattern(channel)) {
      throw new BadField(
        "channel",
        "Bad field channel: it ends in *; ask for each channel by its whole name.",
      );
    }
  }
  return channels;
}

function missingToken(misplaced: string | undefined, cookie: string): TokenRefused {
  if (misplaced !== undefined) {
    return new TokenRefused(
      "missing",
      `Token missing. ${misplaced}`,
      "Token missing: one was found in another place.",
    );
  }
  return new TokenRefused(
    "missing",
    `Token missing: send it as Authorization: Bearer TOKEN, as ?token=TOKEN, or in the cookie ${cookie}.`,
    "Token missing.",
  );
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
