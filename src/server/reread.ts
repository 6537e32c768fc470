import { reasonOf } from "../lib/errors.ts";
import type { LogFields } from "../observability/log_line.ts";
import type { Logger } from "../observability/logger.ts";

/** A part of the settings that comes from files, and can be read again while the server runs. */
export interface Rereadable {
  /** Reads the files, puts to use what they hold, and logs it. If it throws, everything is as before. */
  reread(): void;
  /** Logs that this part could not be reread, and why. */
  failed(fields: LogFields): void;
}

/**
 * Reads again every part of the settings that comes from files. What is wrong with one does not keep the
 * others from being read. The log has a line for each.
 */
export function rereadAll(parts: readonly Rereadable[], logger: Logger): void {
  if (parts.length === 0) logger.info("nothing to reread, no secret and no key is in a file");
  for (const part of parts) {
    try {
      part.reread();
    } catch (error) {
      part.failed({ error: reasonOf(error) });
    }
  }
}
