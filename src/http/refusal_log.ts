import {
  BadField,
  BodyBrokenOff,
  type HttpError,
  InternalError,
  RightMissing,
  StoreUnavailable,
  TooManyChannels,
  UnknownField,
} from "../lib/errors.ts";
import type { Logger } from "../observability/logger.ts";

const NOT_NOTED = [InternalError, StoreUnavailable, BodyBrokenOff];

/**
 * Logs the first refused request of each kind, at level warn: a back end that does not look at its
 * answers would lose events and nobody would know. A kind is an error's class, its field or right where
 * it has one, and the name of the caller's key; all are names of this program or its operator, so there
 * are few kinds, and a line holds nothing that a caller sent.
 */
export class RefusalLog {
  readonly #logger: Logger;
  readonly #logged = new Set<string>();

  constructor(logger: Logger) {
    this.#logger = logger;
  }

  /**
   * Notes an error that a caller is answered. Errors of the server and its store are logged elsewhere;
   * a caller that breaks off gets no answer, and may do so as often as it likes.
   *
   * @param keyName the name of the caller's control key, if it has one.
   */
  note(error: HttpError, keyName?: string): void {
    if (NOT_NOTED.some((kind) => error instanceof kind)) return;
    const fields = {
      status: error.status,
      error: error.name,
      ...(error instanceof BadField && !(error instanceof UnknownField)
        ? { field: error.field }
        : {}),
      ...(error instanceof RightMissing ? { right: error.right } : {}),
      ...(error instanceof TooManyChannels ? { limit: `-max-channels ${error.limit}` } : {}),
      ...(keyName === undefined ? {} : { key: keyName }),
    };
    const kind = JSON.stringify(fields);
    if (this.#logged.has(kind)) return;
    this.#logged.add(kind);
    this.#logger.warn("control request refused, more like it are not logged", fields);
  }
}
