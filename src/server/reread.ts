import { reasonOf } from "../lib/errors.ts";
import type { LogFields, Logger } from "../observability/logger.ts";

/** A part of the settings that comes from files, and can be read again while the server runs. */
export interface Rereadable {
  /** For the log, such as `control keys`. */
  readonly name: string;
  /**
   * Reads the files and puts to use what they hold. If it throws, everything is as before.
   *
   * @returns what there is now, for the log.
   */
  reread(): LogFields;
}

/**
 * Reads again every part of the settings that comes from files. What is wrong with one does not keep the
 * others from being read. The log has a line for each.
 */
export function rereadAll(parts: readonly Rereadable[], logger: Logger): void {
  if (parts.length === 0) logger.info("nothing to reread, no secret and no key is in a file");
  for (const part of parts) {
    try {
      logger.info(`${part.name} reread`, part.reread());
    } catch (error) {
      logger.error(`${part.name} not reread, the old ones stay`, { error: reasonOf(error) });
    }
  }
}
