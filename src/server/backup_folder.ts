import type { Backup, Backups } from "../http/handlers/backup.ts";
import type { Clock } from "../lib/clock.ts";
import { BackupFailed, BackupRefused, HttpError, reasonOf, StartError } from "../lib/errors.ts";

/** The folder of `-backup-dir`. A backup has its name once it is complete. */
export class BackupFolder implements Backups {
  readonly #path: string;
  readonly #clock: Clock;
  readonly #stop = new AbortController();
  readonly #writing = new Set<Promise<Backup>>();

  private constructor(path: string, clock: Clock) {
    this.#path = path;
    this.#clock = clock;
  }

  /** @throws StartError if it is no folder, or nothing can be written into it. */
  static open(path: string, clock: Clock): BackupFolder {
    try {
      const attempt = `${path}/${unfinishedName("start")}`;
      Deno.openSync(attempt, { write: true, createNew: true, mode: 0o600 }).close();
      Deno.removeSync(attempt);
      return new BackupFolder(path, clock);
    } catch (error) {
      throw new StartError(`Cannot write into the backup folder ${path}: ${why(error)}.`);
    }
  }

  async write(
    file: string,
    copy: (path: string, signal: AbortSignal) => Promise<number>,
  ): Promise<Backup> {
    const writing = this.#write(file, copy);
    this.#writing.add(writing);
    try {
      return await writing;
    } finally {
      this.#writing.delete(writing);
    }
  }

  /** Breaks off what is being written. */
  async close(): Promise<void> {
    this.#stop.abort(new Error("the server stops"));
    await Promise.allSettled(this.#writing);
  }

  async #write(
    file: string,
    copy: (path: string, signal: AbortSignal) => Promise<number>,
  ): Promise<Backup> {
    const path = `${this.#path}/${file}`;
    const unfinished = `${this.#path}/${unfinishedName(file)}`;
    const begun = this.#clock.steady();
    this.#refuseExisting(path, file);
    try {
      const events = await copy(unfinished, this.#stop.signal);
      const { size: bytes } = await Deno.stat(unfinished);
      this.#refuseExisting(path, file);
      await Deno.rename(unfinished, path);
      await syncFolder(this.#path);
      const seconds = Math.round(this.#clock.steady() - begun) / 1000;
      return { bytes, events, seconds };
    } catch (error) {
      await Deno.remove(unfinished).catch(() => {}); // It may not even have been made.
      if (error instanceof HttpError) throw error;
      throw new BackupFailed(
        `Cannot write the backup ${file}: ${why(error)}. Nothing of it is left.`,
      );
    }
  }

  /** Nothing replaces a file, not even a backup. */
  #refuseExisting(path: string, file: string): void {
    try {
      Deno.lstatSync(path);
    } catch (error) {
      if (error instanceof Deno.errors.NotFound) return;
      throw new BackupFailed(`Cannot write the backup ${file}: ${why(error)}.`);
    }
    throw new BackupRefused(`Cannot write the backup ${file}: there is a file of this name.`);
  }
}

/** Hidden, so that it is no name that a caller may give; another for each try. */
function unfinishedName(file: string): string {
  return `.${file}.${crypto.randomUUID()}.unfinished`;
}

/** Makes the names in a folder survive a power cut, as far as its system can. */
async function syncFolder(path: string): Promise<void> {
  try {
    using folder = await Deno.open(path);
    await folder.sync();
  } catch {
    // Windows opens no folder, nor does anybody one that is for writing only. The backup is there all the same.
  }
}

/** Why a file could not be written, without what the runtime adds: the path, and advice on its own flags. */
function why(error: unknown): string {
  if (error instanceof Deno.errors.NotFound) return "there is no such folder";
  if (error instanceof Deno.errors.NotADirectory) return "it is not a folder";
  if (error instanceof Deno.errors.PermissionDenied) return "permission denied";
  if (error instanceof Deno.errors.NotCapable) {
    return "this program was started without permission for it";
  }
  const reason = reasonOf(error).split("\n", 1)[0] ?? "unknown reason";
  return /no space left/i.test(reason) ? "the disk is full" : reason;
}
