import { BackupFailed, BackupRefused, StartError } from "../../../src/lib/errors.ts";
import { systemClock } from "../../../src/lib/clock.ts";
import { BackupFolder } from "../../../src/server/backup_folder.ts";
import { assert, assertEquals, assertMatch } from "../../support/assert.ts";
import { canMount, SmallDisk } from "../../support/store/small_disk.ts";
import { TempDir } from "../../support/temp_dir.ts";

function namesIn(path: string): string[] {
  return Array.from(Deno.readDirSync(path), ({ name }) => name).toSorted();
}

async function failureOf(attempt: Promise<unknown>): Promise<Error> {
  try {
    await attempt;
  } catch (error) {
    if (error instanceof Error) return error;
  }
  throw new Error("it did not fail");
}

/** As a store that writes some bytes. */
async function copyBytes(path: string, length = 1000): Promise<number> {
  await Deno.writeFile(path, new Uint8Array(length), { createNew: true });
  return 3;
}

Deno.test("a backup has its name only once it is complete", async () => {
  await using dir = await TempDir.make();
  const folder = BackupFolder.open(dir.path, systemClock);
  assertEquals(namesIn(dir.path), [], "the attempt at the start leaves nothing");
  const { bytes, events } = await folder.write("a.db", async (path) => {
    const events = await copyBytes(path);
    const [unfinished = "", ...others] = namesIn(dir.path);
    assertEquals(others, []);
    assertMatch(unfinished, /^\.a\.db\..*\.unfinished$/);
    return events;
  });
  assertEquals({ bytes, events }, { bytes: 1000, events: 3 });
  assertEquals(namesIn(dir.path), ["a.db"]);
});

Deno.test("a backup's name survives a power cut, where folders can be synced", async () => {
  await using dir = await TempDir.make();
  const folder = BackupFolder.open(dir.path, systemClock);
  const atSync: string[][] = [];
  const { sync } = Deno.FsFile.prototype;
  Deno.FsFile.prototype.sync = async function (this: Deno.FsFile) {
    if ((await this.stat()).isDirectory) atSync.push(namesIn(dir.path));
    await sync.call(this);
    if (atSync.length > 1) throw new TypeError("Invalid argument (os error 22)");
  };
  try {
    await folder.write("a.db", (path) => copyBytes(path));
    assertEquals(atSync, [["a.db"]]);
    assertEquals((await folder.write("b.db", (path) => copyBytes(path))).bytes, 1000);
    assertEquals(atSync, [["a.db"], ["a.db", "b.db"]]);
  } finally {
    Deno.FsFile.prototype.sync = sync;
  }
});

Deno.test("no file is replaced, whatever it is and whenever it came", async () => {
  await using dir = await TempDir.make();
  const folder = BackupFolder.open(dir.path, systemClock);
  Deno.symlinkSync("nowhere", dir.join("link"));
  const early = await failureOf(folder.write("link", () => Promise.reject(new Error("asked"))));
  assert(early instanceof BackupRefused, String(early));
  assertMatch(early.message, /link: there is a file of this name\.$/);
  const late = await failureOf(folder.write("a.db", async (path) => {
    await Deno.writeTextFile(dir.join("a.db"), "another's");
    return await copyBytes(path);
  }));
  assert(late instanceof BackupRefused, String(late));
  assertEquals(await Deno.readTextFile(dir.join("a.db")), "another's");
  assertEquals(namesIn(dir.path), ["a.db", "link"]);
});

Deno.test("a backup that fails says why, and leaves nothing", async () => {
  await using dir = await TempDir.make();
  const path = dir.join("backups");
  Deno.mkdirSync(path);
  const folder = BackupFolder.open(path, systemClock);
  const broken = await failureOf(folder.write("a.db", async (path) => {
    await copyBytes(path);
    throw new Error("disk I/O error");
  }));
  assert(broken instanceof BackupFailed, String(broken));
  assertEquals(
    broken.message,
    "Cannot write the backup a.db: disk I/O error. Nothing of it is left.",
  );
  assertEquals(namesIn(path), []);
  Deno.removeSync(path);
  const gone = await failureOf(folder.write("a.db", (path) => copyBytes(path)));
  assertMatch(gone.message, /^Cannot write the backup a\.db: there is no such folder\./);
});

Deno.test(
  "a disk that is full is named, and nothing is left on it",
  { ignore: !canMount() },
  async () => {
    await using disk = await SmallDisk.mount("1m");
    const folder = BackupFolder.open(disk.join(""), systemClock);
    const error = await failureOf(folder.write("a.db", (path) => copyBytes(path, 2 ** 22)));
    assertEquals(
      error.message,
      "Cannot write the backup a.db: the disk is full. Nothing of it is left.",
    );
    assertEquals(namesIn(disk.join("")), []);
  },
);

Deno.test("a server that stops breaks off the backup that is being written", async () => {
  await using dir = await TempDir.make();
  const folder = BackupFolder.open(dir.path, systemClock);
  const writing = failureOf(folder.write("a.db", async (path, signal) => {
    await copyBytes(path);
    signal.throwIfAborted();
    return await new Promise((_, reject) =>
      signal.addEventListener("abort", () => reject(signal.reason))
    );
  }));
  await folder.close();
  assertMatch((await writing).message, /a\.db: the server stops\./);
  assertEquals(namesIn(dir.path), []);
});

Deno.test("a folder that cannot be written into is refused at the start", async () => {
  await using dir = await TempDir.make();
  await dir.write("file", "");
  const refused = { missing: /there is no such folder/, file: /it is not a folder/ };
  for (const [name, reason] of Object.entries(refused)) {
    const error = await failureOf((async () => {
      await Promise.resolve();
      BackupFolder.open(dir.join(name), systemClock);
    })());
    assert(error instanceof StartError, String(error));
    assertMatch(error.message, reason);
    assertMatch(error.message, /^Cannot write into the backup folder \S+: [^\n]+\.$/);
  }
});
