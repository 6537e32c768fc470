/**
 * Every failure this program names. A message starts with what failed and ends with what to do
 * about it where that is known; `src/http/answers.ts` is the one place that turns them into
 * answers, `main.ts` the one that turns them into exit codes.
 */

/** The command line or the environment asks for something impossible. Exit status 2. */
export class UsageError extends Error {
  override readonly name = "UsageError";
}

/** The server was configured properly but could not start. Exit status 1. */
export class StartError extends Error {
  override readonly name = "StartError";
}

/** A failure that a client is told: its message is the answer's body. */
export abstract class HttpError extends Error {
  abstract readonly status: number;

  /** Headers of the answer, besides those that every answer has. */
  get headers(): Readonly<Record<string, string>> {
    return {};
  }
}

/** A request names nothing that exists here. */
export class NotFound extends HttpError {
  override readonly name = "NotFound";
  readonly status = 404;
}

/** A known path was asked with a method it does not have. */
export class MethodNotAllowed extends HttpError {
  override readonly name = "MethodNotAllowed";
  readonly status = 405;

  /** @param allow the methods that the path does have, as the `Allow` header wants them. */
  constructor(readonly allow: string) {
    super(`Method not allowed: use ${allow}.`);
  }

  override get headers() {
    return { Allow: this.allow };
  }
}

/** A field or a header of a request is missing or wrong; nothing was sent to anyone. */
export class BadField extends HttpError {
  override readonly name = "BadField";
  readonly status = 400;

  /** @param field the field's name as the caller wrote it; the message must say it too. */
  constructor(readonly field: string, message: string) {
    super(message);
  }
}

/** A request's body could not be read as what it says it is. */
export class BadBody extends HttpError {
  override readonly name = "BadBody";
  readonly status = 400;
}

/** A request's body, or a field in it, is over the limit. */
export class TooLarge extends HttpError {
  override readonly name = "TooLarge";
  readonly status = 413;
}

/** A request's content type is none that this server reads. */
export class UnsupportedContentType extends HttpError {
  override readonly name = "UnsupportedContentType";
  readonly status = 415;
}

/** A token is absent, wrong or no longer valid. */
export class TokenRefused extends HttpError {
  override readonly name = "TokenRefused";
  readonly status = 401;

  /** @param missing true where no token came at all. */
  constructor(message: string, readonly missing = false) {
    super(message);
  }

  /** RFC 6750, section 3: a request without a token is told no error code. */
  override get headers() {
    const realm = 'Bearer realm="events"';
    const reason = `error="invalid_token", error_description="${this.message}"`;
    return { "WWW-Authenticate": this.missing ? realm : `${realm}, ${reason}` };
  }
}

/** A control request came without the control key, or with a wrong one. */
export class ControlKeyRefused extends HttpError {
  override readonly name = "ControlKeyRefused";
  readonly status = 401;

  override get headers() {
    return { "WWW-Authenticate": 'Bearer realm="control"' };
  }
}

/** A control request looks like one that a web page made a browser send. */
export class ControlForbidden extends HttpError {
  override readonly name = "ControlForbidden";
  readonly status = 403;
}

/** An idempotency key came again with another event; nothing was sent to anyone. */
export class KeyReused extends HttpError {
  override readonly name = "KeyReused";
  readonly status = 422;
}

/** The store could not keep an event; what became of the event, the message says. */
export class StoreUnavailable extends HttpError {
  override readonly name = "StoreUnavailable";
  readonly status = 503;

  override get headers() {
    return { "Retry-After": "1" };
  }
}

/** A failure that nobody foresaw, of which the log alone has the details. */
export class InternalError extends HttpError {
  override readonly name = "InternalError";
  readonly status = 500;

  constructor() {
    super("Internal error: see the server's log.");
  }
}

/** What a caught value says of itself. */
export function reasonOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
