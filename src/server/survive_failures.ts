import type { Logger } from "../observability/logger.ts";

/**
 * From now on logs each error that no code of this thread has caught: by default it would end the thread,
 * or the process, and with it every stream.
 */
export function surviveFailures(logger: Logger): void {
  const survive = (event: Event, reason: unknown) => {
    event.preventDefault();
    logger.error("failure not caught", {
      error: reason instanceof Error ? reason.stack ?? reason.message : String(reason),
    });
  };
  globalThis.addEventListener("error", (event) => survive(event, event.error));
  globalThis.addEventListener("unhandledrejection", (event) => survive(event, event.reason));
}
