import type { Hub } from "../../hub/hub.ts";
import type { Clock } from "../../lib/clock.ts";
import type { TokenVerifier } from "../../auth/token_cache.ts";
import type { DisconnectReason } from "../../hub/disconnect_reason.ts";
import { TokenRefused } from "../../lib/errors.ts";
import { bearerOf } from "../bearer.ts";
import type { Connection, RoutedRequest } from "../router.ts";

/** What subscribing works with. */
export interface SubscribeDeps {
  readonly hub: Hub;
  readonly tokens: TokenVerifier;
  readonly clock: Clock;
  /** The name of the cookie that may hold a token. */
  readonly cookie: string;
  readonly maxConnections: number;
}

type Query = RoutedRequest["query"];

const STREAM_HEADERS = {
  "Content-Type": "text/event-stream",
  // no-transform: a proxy that compresses would also hold events back.
  "Cache-Control": "no-cache, no-transform",
  "X-Accel-Buffering": "no",
};

/** `GET /events/`: opens streams. */
export class SubscribeHandler {
  readonly #deps: SubscribeDeps;
  #draining = false;
  /** Streams whose connection the runtime still holds, be it that their client does not read their end. */
  #held = 0;

  constructor(deps: SubscribeDeps) {
    this.#deps = deps;
  }

  /** From now on every new stream is ended at once, and its client told when to come back. */
  drain(): void {
    this.#draining = true;
  }

  /** Opens a stream. @throws TokenRefused */
  async handle({ request, query, connection }: RoutedRequest): Promise<Response> {
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
    const arrival = {
      lastEventId: findLastEventId(request, query),
      isEventSource: bearer === undefined,
    };
    const refused = this.#refusal();
    if (refused !== undefined) {
      // Any status but 200 would end a browser's EventSource for good (HTML Standard, 9.2.3).
      return new Response(hub.reject(refused, claims, arrival), { headers: STREAM_HEADERS });
    }
    const subscriber = hub.subscribe(claims, arrival);
    this.#hold(connection);
    return new Response(subscriber.body, { headers: STREAM_HEADERS });
  }

  #hold(connection: Connection): void {
    this.#held++;
    const letGo = () => {
      this.#held--;
    };
    connection.completed.then(letGo, letGo);
  }

  #refusal(): DisconnectReason | undefined {
    const { hub, maxConnections } = this.#deps;
    if (this.#draining) return "draining";
    return Math.max(hub.size, this.#held) >= maxConnections ? "over the limit" : undefined;
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
