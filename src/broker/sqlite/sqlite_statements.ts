import type { DatabaseSync } from "node:sqlite";

/** Every statement that the SQLite log runs, prepared once. */
export type Statements = ReturnType<typeof prepareStatements>;

/** Prepares the statements for a store file; see `sqlite_file.ts` for its tables. */
export function prepareStatements(database: DatabaseSync) {
  const prepare = (sql: string) => database.prepare(sql);
  return {
    /** Moves all of the write-ahead log into the database file, and leaves the former empty. */
    emptyLog: prepare("PRAGMA wal_checkpoint(TRUNCATE)"),
    meta: prepare("SELECT value FROM meta WHERE name = ?"),
    setMeta: prepare("UPDATE meta SET value = ? WHERE name = ?"),
    /** The highest seq that the file knows, even if its event is gone. */
    last: prepare(`
      SELECT max(
        (SELECT coalesce(max(seq), 0) FROM event),
        (SELECT coalesce(max(horizon), 0) FROM channel),
        (SELECT coalesce(max(seq), 0) FROM idempotency),
        (SELECT coalesce(max(horizon), 0) FROM removed_user),
        (SELECT value FROM meta WHERE name = 'floor')
      ) AS seq`),
    totals: prepare(`
      SELECT
        (SELECT coalesce(sum(size), 0) FROM channel) AS size,
        (SELECT coalesce(sum(events), 0) FROM channel) AS events,
        (SELECT count(*) FROM channel WHERE events > 0) AS channels,
        (SELECT count(*) FROM channel WHERE events = 0) AS emptied,
        (SELECT count(*) FROM own_id WHERE retained = 0) AS gonePublisherIds,
        (SELECT count(*) FROM removed_user) AS removedUsers,
        (SELECT count(*) FROM idempotency) AS keys`),

    insert: prepare(`
      INSERT INTO event (seq, channel, user, own_id, repeats, size, bytes)
      VALUES (?, ?, ?, ?, ?, ?, ?)`),
    /** Takes the seqs as a JSON array. */
    load: prepare(`
      SELECT seq, channel, user, own_id, bytes FROM event
      WHERE seq IN (SELECT value FROM json_each(?)) ORDER BY seq`),
    remove: prepare("DELETE FROM event WHERE seq = ?"),
    oldest: prepare("SELECT seq, channel, own_id, size FROM event ORDER BY seq LIMIT 1"),
    /** One by one with `remove`: to remove and return several at once takes three times as long. */
    oldestOf: prepare(
      "SELECT seq, channel, own_id, size FROM event WHERE channel = ? ORDER BY seq LIMIT 1",
    ),
    /** Takes channels as a JSON array, a user and a seq. An unknown channel has no horizon. */
    starts: prepare(`
      SELECT
        (SELECT horizon FROM channel WHERE name = json_each.value) AS horizon,
        (SELECT seq FROM event WHERE channel = json_each.value AND user = '*' AND seq > :after
          ORDER BY seq LIMIT 1) AS forEveryone,
        (SELECT seq FROM event WHERE channel = json_each.value AND user = :user AND seq > :after
          ORDER BY seq LIMIT 1) AS forUser
      FROM json_each(:channels)`),
    page: prepare(`
      SELECT seq, size FROM event
      WHERE channel = ? AND user = ? AND seq >= ? ORDER BY seq LIMIT ?`),
    withPublisherId: prepare(
      "SELECT seq, channel, user, repeats FROM event WHERE own_id = ? ORDER BY seq",
    ),
    newestWithPublisherId: prepare(
      "SELECT seq FROM event WHERE own_id = ? ORDER BY seq DESC LIMIT ?",
    ),
    addToPublisherId: prepare(`
      INSERT INTO own_id (name, given, retained, horizon) VALUES (?, 1, 1, 0)
      ON CONFLICT (name) DO UPDATE SET given = given + 1, retained = retained + 1
      RETURNING given, retained`),
    takeFromPublisherId: prepare(`
      UPDATE own_id SET retained = retained - 1, horizon = ? WHERE name = ?
      RETURNING retained`),
    oldestGonePublisherId: prepare(
      "SELECT name FROM own_id WHERE retained = 0 ORDER BY horizon LIMIT 1",
    ),
    forgetPublisherId: prepare("DELETE FROM own_id WHERE name = ?"),

    /** A user's events are found channel by channel: there is no index by user alone. */
    oldestFor: prepare(`
      SELECT seq, channel, own_id, size FROM event
      WHERE channel = ? AND user = ? AND seq <= ? ORDER BY seq LIMIT 1`),
    removedFrom: prepare(`
      SELECT coalesce(
        (SELECT horizon FROM removed_user WHERE name = ?),
        (SELECT value FROM meta WHERE name = 'user floor')
      ) AS horizon`),
    saveRemoved: prepare(`
      INSERT INTO removed_user (name, horizon) VALUES (?, ?)
      ON CONFLICT (name) DO UPDATE SET horizon = excluded.horizon`),
    removedUser: prepare("SELECT 1 FROM removed_user WHERE name = ?"),
    lowestRemoved: prepare("SELECT name, horizon FROM removed_user ORDER BY horizon LIMIT 1"),
    forgetRemoved: prepare("DELETE FROM removed_user WHERE name = ?"),

    channel: prepare("SELECT events, size, horizon FROM channel WHERE name = ?"),
    saveChannel: prepare(`
      INSERT INTO channel (name, events, size, horizon) VALUES (?, ?, ?, ?)
      ON CONFLICT (name) DO UPDATE
      SET events = excluded.events, size = excluded.size, horizon = excluded.horizon`),
    oldestEmptied: prepare(
      "SELECT name, horizon FROM channel WHERE events = 0 ORDER BY horizon LIMIT 1",
    ),
    forgetChannel: prepare("DELETE FROM channel WHERE name = ?"),

    /** Those without events too: to skip them would take longer than a part may. */
    channelsAfter: prepare(
      "SELECT name, events, size FROM channel WHERE name > ? ORDER BY name LIMIT ?",
    ),
    /** Takes channels as a JSON array, a seq, and how many events after it are counted at most. */
    channelDetails: prepare(`
      SELECT events, size, horizon,
        (SELECT seq FROM event WHERE channel = name ORDER BY seq LIMIT 1) AS firstSeq,
        (SELECT seq FROM event WHERE channel = name ORDER BY seq DESC LIMIT 1) AS lastSeq,
        (SELECT count(*) FROM event WHERE channel = name AND seq > :after) AS recent
      FROM json_each(:channels) LEFT JOIN channel ON name = json_each.value`),
    newestOf: prepare(
      "SELECT seq, user, size FROM event WHERE channel = ? ORDER BY seq DESC LIMIT ?",
    ),
    /** Takes channels as a JSON array, and a user. */
    countFor: prepare(`
      SELECT
        (SELECT count(*) FROM event WHERE channel = json_each.value AND user = :user) AS events
      FROM json_each(:channels)`),

    recall: prepare("SELECT fingerprint, seq, subscribers FROM idempotency WHERE key = ?"),
    remember: prepare(`
      INSERT INTO idempotency (key, fingerprint, seq, subscribers)
      VALUES (?, ?, ?, ?)`),
    saveRecipientCount: prepare("UPDATE idempotency SET subscribers = ? WHERE key = ?"),
    oldestKey: prepare("SELECT key, seq FROM idempotency ORDER BY seq LIMIT 1"),
    forgetKey: prepare("DELETE FROM idempotency WHERE key = ?"),
  };
}
