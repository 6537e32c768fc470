import {
  BadField,
  BodyBrokenOff,
  type HttpError,
  InternalError,
  StoreUnavailable,
} from "../lib/errors.ts";
import type { Logger } from "../observability/logger.ts";

const NOT_NOTED = [InternalError, StoreUnavailable, BodyBrokenOff];

/**
 * Logs the first refused request of each kind, at level warn: a back end that does not look at its
 * answers would lose events and nobody would know. A kind is an error's class and, where it has one,
 * its field; both are names of this program, so there are few kinds, and a line holds nothing that a
 * caller sent.
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
   */
  note(error: HttpError): void {
    if (NOT_NOTED.some((kind) => error instanceof kind)) return;
    const field = error instanceof BadField ? error.field : undefined;
    const kind = `${error.name} ${field}`;
    if (this.#logged.has(kind)) return;
    this.#logged.add(kind);
    this.#logger.warn("control request refused, more like it are not logged", {
      status: error.status,
      error: error.name,
      ...(field === undefined ? {} : { field }),
    });
  }
}
