/**
 * The errors of this program. A message starts with the failed action and ends with the remedy, if
 * one is known. `src/http/answers.ts` alone turns errors into answers, `src/cli/exit_status.ts` into
 * exit statuses.
 */

/** A flag, or an environment variable, is missing or wrong. Exit status 2. */
export class UsageError extends Error {
  override readonly name = "UsageError";
}

/** The server could not start, although its flags are valid. Exit status 1. */
export class StartError extends Error {
  override readonly name: string = "StartError";
}

/** The server could not start, because its store cannot be reached now: the same start may succeed later. */
export class StoreAway extends StartError {
  override readonly name = "StoreAway";

  /**
   * @param store what messages call the store.
   * @param why the end of a sentence, without its period.
   */
  constructor(readonly store: string, readonly why: string) {
    super(`Cannot use ${store}: ${why}.`);
  }
}

/** The server was told to stop before it had started. */
export class StartGivenUp extends Error {
  override readonly name = "StartGivenUp";
}

/** An error that is answered: its message is the body of the answer. */
export abstract class HttpError extends Error {
  abstract readonly status: number;

  /** @param reason the message for the log, if the message itself quotes what the caller sent. */
  constructor(message: string, readonly reason: string = message) {
    super(message);
  }

  /** The answer's headers for this error. */
  get headers(): Readonly<Record<string, string>> {
    return {};
  }
}

/** The path of a request does not exist. */
export class NotFound extends HttpError {
  override readonly name = "NotFound";
  readonly status = 404;
}

/** The path of a request exists, but not with the request's method. */
export class MethodNotAllowed extends HttpError {
  override readonly name = "MethodNotAllowed";
  readonly status = 405;

  /** @param allow the methods that the path has, in the form of the `Allow` header. */
  constructor(readonly allow: string) {
    // OPTIONS is for browsers, which ask with it; nobody means to send it.
    super(`Method not allowed: use ${allow.replace(/, OPTIONS\b/, "")}.`);
  }

  override get headers() {
    return { Allow: this.allow };
  }
}

/** A field or a header of a request is missing or wrong; no event was published. */
export class BadField extends HttpError {
  override readonly name = "BadField";
  readonly status = 400;

  /** @param field the field's name; the message must contain it too. */
  constructor(readonly field: string, message: string) {
    super(message);
  }
}

/** A request has a field that it does not take: `field` is a name that its caller has made up. */
export class UnknownField extends BadField {}

/** The body of a request is not in the format of its content type. */
export class BadBody extends HttpError {
  override readonly name = "BadBody";
  readonly status = 400;
}

/** The caller left before the end of its body: no answer reaches it. */
export class BodyBrokenOff extends HttpError {
  override readonly name = "BodyBrokenOff";
  readonly status = 400;
}

/** The body of a request, or a field in it, is over the limit. */
export class TooLarge extends HttpError {
  override readonly name = "TooLarge";
  readonly status = 413;
}

/** The server does not read the content type of a request. */
export class UnsupportedContentType extends HttpError {
  override readonly name = "UnsupportedContentType";
  readonly status = 415;
}

/**
 * Why a token was refused, as metrics and the journal name it.
 *
 * - `missing`: there is none.
 * - `too long`: it has more bytes than this server reads.
 * - `malformed`: it is not a JWT that this server reads.
 * - `signature`: no key of the server has signed it.
 * - `issuer`, `audience`: it is another's, or for another.
 * - `not yet valid`, `expired`: by its `nbf` and `exp`.
 * - `claims`: a claim is missing or wrong.
 * - `revoked`: it was revoked.
 */
export const REFUSAL_CODES = [
  "missing",
  "too long",
  "malformed",
  "signature",
  "issuer",
  "audience",
  "not yet valid",
  "expired",
  "claims",
  "revoked",
] as const;

/** One of {@link REFUSAL_CODES}. */
export type RefusalCode = typeof REFUSAL_CODES[number];

/** A token is missing, wrong or not valid now. */
export class TokenRefused extends HttpError {
  override readonly name = "TokenRefused";

  /** @param reason as for HttpError. */
  constructor(readonly code: RefusalCode, message: string, reason?: string) {
    super(message, reason);
  }

  /** A client whose token was revoked is told to come back no more (HTML Standard, 9.2.1). */
  get status() {
    return this.code === "revoked" ? 204 : 401;
  }

  /** RFC 6750, section 3: a request without a token gets no error code. */
  override get headers(): Readonly<Record<string, string>> {
    if (this.status === 204) return {};
    const realm = 'Bearer realm="events"';
    const reason = `error="invalid_token", error_description="${this.message}"`;
    return { "WWW-Authenticate": this.code === "missing" ? realm : `${realm}, ${reason}` };
  }
}

/** A control request has no control key, or a wrong one. */
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

/** A control key does not have the right that a request needs; nothing was done. */
export class RightMissing extends HttpError {
  override readonly name = "RightMissing";
  readonly status = 403;

  /** @param channel the channel for which the right is missing; `undefined` where it is for any. */
  constructor(readonly right: string, channel?: string) {
    const where = channel === undefined ? "" : ` for the channel ${JSON.stringify(channel)}`;
    super(`Control request refused: its key does not have the right ${right}${where}.`);
  }

  /** RFC 6750, section 3.1. */
  override get headers() {
    const realm = 'Bearer realm="control"';
    return { "WWW-Authenticate": `${realm}, error="insufficient_scope", scope="${this.right}"` };
  }
}

/** An idempotency key came again with another event; no event was published. */
export class KeyReused extends HttpError {
  override readonly name = "KeyReused";
  readonly status = 422;
}

/** The same request may succeed a moment later. */
abstract class TryAgain extends HttpError {
  readonly status = 503;

  override get headers() {
    return { "Retry-After": "1" };
  }
}

/** The store could not store an event; the message says whether the event was delivered. */
export class StoreUnavailable extends TryAgain {
  override readonly name = "StoreUnavailable";
}

/** This server has no room for a request now; no event was published. */
export class ServerBusy extends TryAgain {
  override readonly name = "ServerBusy";
}

/** A control key has emitted as many events as it may in a second; no further one was published. */
export class TooManyEmits extends HttpError {
  override readonly name = "TooManyEmits";
  readonly status = 429;

  /** @param keyName `undefined` where the listener has no keys. */
  constructor(perSecond: number, readonly retryAfterSeconds: number, keyName?: string) {
    const whose = keyName === undefined ? "" : " with this control key";
    const when = retryAfterSeconds === 1 ? "a second" : `${retryAfterSeconds} seconds`;
    const reason =
      `Too many emits: more than ${perSecond} a second${whose} (-max-emits-per-second).`;
    // Without the time, all refusals of a key are the same to whoever counts them.
    super(`${reason} Nothing was published; try again in ${when}.`, reason);
  }

  override get headers() {
    return { "Retry-After": String(this.retryAfterSeconds) };
  }
}

/** As many channels have retained events as may; no event was published to a further one. */
export class TooManyChannels extends HttpError {
  override readonly name = "TooManyChannels";
  readonly status = 507;

  /** @param limit how many channels that is. */
  constructor(readonly limit: number) {
    super(
      `Cannot publish to a further channel: ${limit} channels have history, which is the most ` +
        "(-max-channels). Nothing was published; emits to these channels go on.",
    );
  }
}

/** As many revocations are remembered as can be; none was added. */
export class TooManyRevocations extends HttpError {
  override readonly name = "TooManyRevocations";
  readonly status = 507;

  constructor(most: number) {
    super(
      `Cannot revoke: ${most} revocations are remembered, which is the most. Nothing was changed. ` +
        "Lower -revocation-age to the longest lifetime of your tokens.",
    );
  }
}

/** The keys of the token's issuer are not known yet: whether the token is good cannot be told now. */
export class KeysUnavailable extends TryAgain {
  override readonly name = "KeysUnavailable";
}

/** A worker thread does not answer, and the others do not know of its streams. */
export class WorkerSilent extends TryAgain {
  override readonly name = "WorkerSilent";

  /** @param message Default: for a question that has no answer without that thread. */
  constructor(
    message =
      "Cannot tell: a worker thread of this server did not answer in time. Repeat the request.",
  ) {
    super(message);
  }
}

/** A token was asked of a server that has no secret to sign it with. */
export class CannotSign extends HttpError {
  override readonly name = "CannotSign";
  readonly status = 501;
}

/** This server, as it was started or as it is now, makes no such backup; nothing was written. */
export class BackupRefused extends HttpError {
  override readonly name = "BackupRefused";
  readonly status = 409;
}

/** A backup could not be written; nothing of it is left. */
export class BackupFailed extends HttpError {
  override readonly name = "BackupFailed";
  readonly status = 500;
}

/** A channel was asked for that the client's token does not grant. */
export class ChannelRefused extends HttpError {
  override readonly name = "ChannelRefused";
  readonly status = 403;
}

/** An unexpected failure; only the log has its details. */
export class InternalError extends HttpError {
  override readonly name = "InternalError";
  readonly status = 500;

  constructor() {
    super("Internal error: see the server's log.");
  }
}

/** The message of a caught value. */
export function reasonOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
