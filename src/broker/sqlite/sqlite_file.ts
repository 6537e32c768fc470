import { DatabaseSync } from "node:sqlite";
import { reasonOf, StartError } from "../../lib/errors.ts";
import { newEpoch } from "../../sse/log_position.ts";

/** "SSE1" in ASCII; SQLite's header has this field to name the program that a file belongs to. */
const APPLICATION_ID = 0x53534531;

const VERSION = 1;

/** https://www.sqlite.org/fileformat.html#the_database_header */
const HEADER_LENGTH = 100;

const EVENT_COLUMNS = `(
    seq INTEGER PRIMARY KEY,
    channel TEXT NOT NULL,
    user TEXT NOT NULL,
    own_id TEXT,
    repeats INTEGER NOT NULL, -- how many events had the own_id before it
    size INTEGER NOT NULL,
    bytes BLOB NOT NULL
  ) STRICT`;

const EVENT_INDEXES = `
  CREATE INDEX event_by_hearer ON event (channel, user, seq, size);
  CREATE INDEX event_by_channel ON event (channel, seq, size);
  CREATE INDEX event_by_own_id ON event (own_id, seq) WHERE own_id IS NOT NULL;`;

const SCHEMA = `
  CREATE TABLE meta (name TEXT PRIMARY KEY, value ANY) STRICT, WITHOUT ROWID;
  CREATE TABLE event ${EVENT_COLUMNS};
  ${EVENT_INDEXES}
  CREATE TABLE own_id (
    name TEXT PRIMARY KEY,
    given INTEGER NOT NULL,
    retained INTEGER NOT NULL,
    horizon INTEGER NOT NULL
  ) STRICT, WITHOUT ROWID;
  CREATE INDEX own_id_gone ON own_id (horizon) WHERE retained = 0;
  CREATE TABLE channel (
    name TEXT PRIMARY KEY,
    events INTEGER NOT NULL,
    size INTEGER NOT NULL,
    horizon INTEGER NOT NULL
  ) STRICT, WITHOUT ROWID;
  CREATE INDEX channel_emptied ON channel (horizon) WHERE events = 0;
  CREATE TABLE idempotency (
    key TEXT PRIMARY KEY,
    fingerprint TEXT NOT NULL,
    seq INTEGER NOT NULL,
    subscribers INTEGER NOT NULL
  ) STRICT, WITHOUT ROWID;
  CREATE INDEX idempotency_by_seq ON idempotency (seq);
`;

/** What version 1.0 did not have, and leaves alone. */
const ADDITIONS = `
  CREATE TABLE IF NOT EXISTS removed_user ( -- whose history was removed
    name TEXT PRIMARY KEY,
    horizon INTEGER NOT NULL -- the last seq of it
  ) STRICT, WITHOUT ROWID;
  CREATE INDEX IF NOT EXISTS removed_user_by_horizon ON removed_user (horizon);
  INSERT OR IGNORE INTO meta (name, value) VALUES ('user floor', -1);
  CREATE TABLE IF NOT EXISTS revocation (
    target TEXT PRIMARY KEY,
    revoked_at REAL NOT NULL,
    forget_at REAL NOT NULL
  ) STRICT, WITHOUT ROWID;
`;

/**
 * Writes all events to new pages; with `secure_delete`, the old ones are overwritten. A VACUUM would do the
 * same, but needs to attach a database, which the runtime forbids to a program without all permissions.
 */
export const REWRITE_EVENTS = `
  CREATE TABLE rewritten ${EVENT_COLUMNS};
  INSERT INTO rewritten SELECT * FROM event ORDER BY seq;
  DROP TABLE event;
  ALTER TABLE rewritten RENAME TO event;
  ${EVENT_INDEXES}`;

/**
 * Opens a store file, or creates it.
 *
 * @throws StartError if the file is not a store of this program, has another version, is in use by
 *   another server, or cannot be written; the file is left as it was.
 */
export function openSqliteFile(file: string): DatabaseSync {
  let database: DatabaseSync | undefined;
  try {
    checkHeader(file);
    makePrivate(file);
    database = new DatabaseSync(file);
    // One server per file: two would give different events the same ids.
    database.exec("PRAGMA locking_mode = EXCLUSIVE");
    const isNew = checkOwner(database, file);
    // Before the write-ahead log is in use, so that the file itself gets the application id.
    if (isNew) create(database);
    database.exec("PRAGMA journal_mode = WAL");
    // Committed events survive the end of the process; a power cut may take the last ones.
    database.exec("PRAGMA synchronous = NORMAL");
    // Events are private: what is dropped, or removed, is overwritten.
    database.exec("PRAGMA secure_delete = ON");
    // Takes the write lock now, so that a second server fails at its start and not at its first emit.
    database.exec(`BEGIN IMMEDIATE; ${ADDITIONS} COMMIT`);
    return database;
  } catch (error) {
    database?.close();
    if (error instanceof StartError) throw error;
    throw new StartError(`Cannot open the store ${file}: ${whyUnusable(error)}.`);
  }
}

/**
 * Refuses another program's database before SQLite opens it, if that program has left changes in a
 * write-ahead log: opening and closing the database would move them into the file.
 */
function checkHeader(file: string): void {
  const header = readStart(`${file}-wal`, 1) && readStart(file, HEADER_LENGTH);
  if (header === undefined) return;
  if (header.getUint32(68) !== APPLICATION_ID) throw foreign(file);
  if (header.getUint32(60) !== VERSION) throw otherVersion(file, header.getUint32(60));
}

/** Creates the file, if it does not exist, with access for its owner alone: events are private. */
function makePrivate(file: string): void {
  try {
    Deno.openSync(file, { write: true, createNew: true, mode: 0o600 }).close();
  } catch {
    // It exists already, or SQLite will report why it cannot be created.
  }
}

/** The first bytes of a file; `undefined` if the file does not exist or is shorter. */
function readStart(file: string, length: number): DataView | undefined {
  try {
    using opened = Deno.openSync(file);
    const bytes = new Uint8Array(length);
    return opened.readSync(bytes) === length ? new DataView(bytes.buffer) : undefined;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return undefined;
    throw error;
  }
}

/** Returns whether the file is new. @throws StartError for another program's file, or another version. */
function checkOwner(database: DatabaseSync, file: string): boolean {
  const pragma = (name: string) => Number(database.prepare(`PRAGMA ${name}`).get()?.[name]);
  const tables = database.prepare("SELECT count(*) AS n FROM sqlite_master").get()?.n;
  if (tables === 0 && pragma("application_id") === 0) return true;
  if (pragma("application_id") !== APPLICATION_ID) {
    throw foreign(file);
  }
  const version = pragma("user_version");
  if (version !== VERSION) throw otherVersion(file, version);
  return false;
}

function create(database: DatabaseSync): void {
  database.exec(`BEGIN IMMEDIATE; ${SCHEMA}`);
  const insert = database.prepare("INSERT INTO meta (name, value) VALUES (?, ?)");
  insert.run("epoch", newEpoch());
  insert.run("floor", 0);
  database.exec(
    `PRAGMA application_id = ${APPLICATION_ID}; PRAGMA user_version = ${VERSION}; COMMIT`,
  );
}

function foreign(file: string): StartError {
  return new StartError(
    `Cannot use ${file} as the store: it is another program's database. Nothing was changed.`,
  );
}

function otherVersion(file: string, version: number): StartError {
  return new StartError(
    `Cannot use ${file} as the store: it has version ${version}, and this server uses version ${VERSION}. Nothing was changed.`,
  );
}

function whyUnusable(error: unknown): string {
  const text = reasonOf(error);
  // The runtime's message advises flags of its own, for some folders even to allow everything.
  if (error instanceof Deno.errors.NotCapable) {
    return text.includes("all access")
      ? "a store cannot be in /dev, /proc or /sys"
      : "this program was started without permission for it";
  }
  if (text.includes("is not a database")) return "it is not a store file; nothing was changed";
  if (text.includes("locked")) return "another process is using it";
  return text.split("\n", 1)[0] ?? "unknown reason";
}
