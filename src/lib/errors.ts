/**
 * Every failure this program names. A message starts with what failed and ends with what to do
 * about it where that is known; `src/http/answers.ts` is the one place that turns them into
 * statuses, `main.ts` the one that turns them into exit codes.
 */

/** The command line or the environment asks for something impossible. Exit status 2. */
export class UsageError extends Error {
  override readonly name = "UsageError";
}

/** The server was configured properly but could not start. Exit status 1. */
export class StartError extends Error {
  override readonly name = "StartError";
}

/** A request names nothing that exists here. Status 404. */
export class NotFound extends Error {
  override readonly name = "NotFound";
}

/** A known path was asked with a method it does not have. Status 405. */
export class MethodNotAllowed extends Error {
  override readonly name = "MethodNotAllowed";

  /** @param allow the methods that the path does have, as the `Allow` header wants them. */
  constructor(readonly allow: string) {
    super(`Method not allowed: use ${allow}.`);
  }
}

/** A field of a request is missing or wrong. Status 400; nothing was sent to anyone. */
export class BadField extends Error {
  override readonly name = "BadField";

  /** @param field the field's name as the caller wrote it; the message must say it too. */
  constructor(readonly field: string, message: string) {
    super(message);
  }
}

/** A request's body could not be read as what it says it is. Status 400. */
export class BadBody extends Error {
  override readonly name = "BadBody";
}

/** A request's body, or a field in it, is over the limit. Status 413. */
export class TooLarge extends Error {
  override readonly name = "TooLarge";
}

/** A request's content type is none that this server reads. Status 415. */
export class UnsupportedContentType extends Error {
  override readonly name = "UnsupportedContentType";
}

/** A token is absent, wrong or no longer valid. Status 401 with a `WWW-Authenticate` header. */
export class TokenRefused extends Error {
  override readonly name = "TokenRefused";

  /** @param missing true where no token came at all, which RFC 6750 (3.1) answers without an error code. */
  constructor(message: string, readonly missing = false) {
    super(message);
  }
}

/** A control request came without the control key, or with a wrong one. Status 401. */
export class ControlKeyRefused extends Error {
  override readonly name = "ControlKeyRefused";
}

/** A control request looks like one that a web page made a browser send. Status 403. */
export class ControlForbidden extends Error {
  override readonly name = "ControlForbidden";
}

/** An idempotency key came again with another event. Status 422; nothing was sent to anyone. */
export class KeyReused extends Error {
  override readonly name = "KeyReused";
}

/** The store could not keep an event. Status 503; what became of the event, the message says. */
export class StoreUnavailable extends Error {
  override readonly name = "StoreUnavailable";

  /** @param isKnown whether the store has logged already that it fails: once, not for each request. */
  constructor(message: string, readonly isKnown = false) {
    super(message);
  }
}
