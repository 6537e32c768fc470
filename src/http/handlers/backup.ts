import type { Broker } from "../../broker/broker.ts";
import { BackupRefused } from "../../lib/errors.ts";
import type { Logger } from "../../observability/logger.ts";
import { readBackupRequest } from "../../requests/backup_request.ts";
import { answer } from "../answers.ts";
import { contentTypeOf, readFields } from "../body.ts";
import type { BodyLimits } from "../body_limits.ts";
import type { RouteHandler } from "../router.ts";

/** A backup that was written. */
export interface Backup {
  readonly bytes: number;
  /** The events in it. */
  readonly events: number;
  readonly seconds: number;
}

/** Where backups go. */
export interface Backups {
  /**
   * Writes a backup into a new file of this name.
   *
   * @param copy copies the store into a new file; returns how many events are in it.
   * @throws BackupRefused if there is such a file, BackupFailed; nothing is left of it then.
   */
  write(
    file: string,
    copy: (path: string, signal: AbortSignal) => Promise<number>,
  ): Promise<Backup>;
}

/** What a backup works with. */
export interface BackupDeps {
  readonly broker: Broker;
  readonly bodyLimits: BodyLimits;
  readonly logger: Logger;
  /** `undefined` without `-backup-dir`. */
  readonly backups: Backups | undefined;
}

/** `POST /backup/`: copies the SQLite store while the server runs. */
export function backupHandler({ broker, bodyLimits, logger, backups }: BackupDeps): RouteHandler {
  return async ({ request, query, caller: { keyName } }) => {
    const fields = await readFields(request, contentTypeOf(request), query, bodyLimits);
    const file = readBackupRequest(fields);
    if (backups === undefined) {
      throw new BackupRefused(
        "Cannot write a backup: there is no folder for it. Start the server with -backup-dir DIR.",
      );
    }
    const { bytes, events, seconds } = await backups.write(
      file,
      (path, signal) => broker.backUp(path, signal),
    );
    logger.info("backup written", { file, bytes, seconds, ...(keyName && { key: keyName }) });
    return answer(200, { file, bytes, events });
  };
}
