import * as errors from "../lib/errors.ts";
import type { Logger } from "../observability/logger.ts";

/** A plain-text or JSON answer of either listener. Neither may be stored by anyone between. */
export function answer(
  status: number,
  body: string | object,
  headers: Readonly<Record<string, string>> = {},
): Response {
  const text = typeof body === "string";
  return new Response(text ? body : JSON.stringify(body), {
    status,
    headers: {
      "Content-Type": text ? "text/plain; charset=utf-8" : "application/json",
      "Cache-Control": "no-store",
      ...headers,
    },
  });
}

/** Whether a client would rather have JSON than plain text. */
export function wantsJson(request: Request): boolean {
  return request.headers.get("Accept")?.includes("application/json") ?? false;
}

/**
 * The one door from an error to an answer: its status, and its message as the body. Only errors of
 * `src/lib/errors.ts` are told to the client; any other is logged, and answered with 500.
 */
export function answerError(
  error: unknown,
  request: Request,
  logger: Logger,
): Response {
  const known = describe(error);
  if (known === undefined) {
    logger.error("request failed", { error: String(error) });
  } else if (error instanceof errors.StoreUnavailable && !error.isKnown) {
    logger.error("store unavailable", { error: error.message });
  }
  const { status, headers } = known ?? { status: 500, headers: {} };
  const message = known === undefined ? "Internal error: see the server's log." : messageOf(error);
  return answer(
    status,
    wantsJson(request) ? { error: message } : `${message}\n`,
    headers,
  );
}

/** What a line of a streamed request is told of an error: what a request of its own would be. */
export function describeError(
  error: unknown,
  logger: Logger,
): { readonly error: string; readonly status: number } {
  const known = describe(error);
  if (known !== undefined) return { error: messageOf(error), status: known.status };
  logger.error("request failed", { error: String(error) });
  return { error: "Internal error: see the server's log.", status: 500 };
}

interface Description {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
}

function describe(error: unknown): Description | undefined {
  if (error instanceof errors.BadField || error instanceof errors.BadBody) {
    return plain(400);
  }
  if (error instanceof errors.TokenRefused) {
    return { status: 401, headers: { "WWW-Authenticate": challenge(error) } };
  }
  if (error instanceof errors.ControlKeyRefused) {
    return {
      status: 401,
      headers: { "WWW-Authenticate": 'Bearer realm="control"' },
    };
  }
  if (error instanceof errors.ControlForbidden) return plain(403);
  if (error instanceof errors.NotFound) return plain(404);
  if (error instanceof errors.MethodNotAllowed) {
    return { status: 405, headers: { Allow: error.allow } };
  }
  if (error instanceof errors.TooLarge) return plain(413);
  if (error instanceof errors.UnsupportedContentType) return plain(415);
  if (error instanceof errors.KeyReused) return plain(422);
  if (error instanceof errors.StoreUnavailable) {
    return { status: 503, headers: { "Retry-After": "1" } };
  }
  return undefined;
}

function plain(status: number): Description {
  return { status, headers: {} };
}

/** RFC 6750, section 3: a request without a token is told no error code. */
function challenge(refused: errors.TokenRefused): string {
  const realm = 'Bearer realm="events"';
  if (refused.missing) return realm;
  return `${realm}, error="invalid_token", error_description="${refused.message}"`;
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
