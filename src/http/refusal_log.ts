import { BadField, type HttpError, InternalError, StoreUnavailable } from "../lib/errors.ts";
import type { Logger } from "../observability/logger.ts";

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

  /** Notes an error that a caller is answered. Those of the server and its store are logged elsewhere. */
  note(error: HttpError): void {
    if (error instanceof InternalError || error instanceof StoreUnavailable) return;
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
