import { HttpError, InternalError } from "../lib/errors.ts";
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

/** What a client is told of an error. One that is not meant for clients is logged. */
export function toHttpError(error: unknown, logger: Logger): HttpError {
  if (error instanceof HttpError) return error;
  logger.error("request failed", { error: String(error) });
  return new InternalError();
}

/** The answer to a request that failed; see {@link toHttpError}. */
export function answerError(
  error: unknown,
  request: Request,
  logger: Logger,
): Response {
  const { status, message, headers } = toHttpError(error, logger);
  // It has no body, and so nothing that tells what a body is.
  if (status === 204) {
    return new Response(null, { status, headers: { "Cache-Control": "no-store", ...headers } });
  }
  return answer(
    status,
    wantsJson(request) ? { error: message } : `${message}\n`,
    headers,
  );
}
