/**
 * Files that are not a store of this server: refused in one clear line, and left as they are.
 *
 * @module
 */
import { DatabaseSync } from "node:sqlite";
import { openSqliteFile } from "../../../src/broker/sqlite/sqlite_file.ts";
import { StartError } from "../../../src/lib/errors.ts";
import { assert, assertEquals, assertMatch } from "../../support/assert.ts";
import { ChildProcess, run } from "../../support/child_process.ts";
import { TempDir } from "../../support/temp_dir.ts";
import { canMount } from "../../support/store/small_disk.ts";

/** Everything in the directory, by name. */
async function contentsOf(dir: TempDir): Promise<Record<string, string>> {
  const contents: Record<string, string> = {};
  for await (const { name } of Deno.readDir(dir.path)) {
    contents[name] = (await Deno.readFile(dir.join(name))).toBase64();
  }
  return contents;
}

/** Opening the file must fail in one line that names it, and change nothing next to it or in it. */
async function assertRefused(dir: TempDir, name: string, reason: RegExp): Promise<void> {
  const file = dir.join(name);
  const before = await contentsOf(dir);
  try {
    openSqliteFile(file).close();
  } catch (error) {
    assert(error instanceof StartError, String(error));
    assertMatch(error.message, reason);
    assertMatch(error.message, /^Cannot [^\n]*\.$/);
    assert(error.message.includes(file), error.message);
    assertEquals(await contentsOf(dir), before, "what is in the directory");
    return;
  }
  throw new Error(`${name} was taken for a store`);
}

for (
  const [name, bytes] of Object.entries({ short: 5, "as long as a page": 4096, long: 100_000 })
) {
  Deno.test(`a text file is refused as a store and left as it is (${name})`, async () => {
    await using dir = await TempDir.make();
    await dir.write("notes.txt", "notes".repeat(bytes / 5));
    await assertRefused(dir, "notes.txt", /not a store/);
  });
}

Deno.test("another program's database is refused as a store and left as it is", async () => {
  await using dir = await TempDir.make();
  for (const mode of ["delete", "wal"]) {
    const other = new DatabaseSync(dir.join(`${mode}.db`));
    other.exec(`PRAGMA journal_mode = ${mode}; CREATE TABLE t (x); INSERT INTO t VALUES (1)`);
    other.close();
    await assertRefused(dir, `${mode}.db`, /another program/);
  }
});

Deno.test("a database that names another program is refused though it is empty", async () => {
  await using dir = await TempDir.make();
  const other = new DatabaseSync(dir.join("other.db"));
  other.exec("PRAGMA application_id = 12345");
  other.close();
  await assertRefused(dir, "other.db", /another program/);
});

Deno.test("another program's database with changes still in its log is left as it is", async () => {
  await using dir = await TempDir.make();
  const other = new DatabaseSync(dir.join("live.db"));
  other.exec("PRAGMA journal_mode = WAL; CREATE TABLE t (x); INSERT INTO t VALUES (1)");
  // The files as that program leaves them when it is killed.
  for (const suffix of ["", "-wal"]) {
    await Deno.copyFile(dir.join(`live.db${suffix}`), dir.join(`left.db${suffix}`));
  }
  other.close();
  await assertRefused(dir, "left.db", /another program/);
});

Deno.test("a store of another version is refused and left as it is", async () => {
  await using dir = await TempDir.make();
  const store = openSqliteFile(dir.join("store.db"));
  store.exec("PRAGMA user_version = 7");
  store.close();
  await assertRefused(dir, "store.db", /version 7/);
});

Deno.test("a directory that is missing is named", async () => {
  await using dir = await TempDir.make();
  await assertRefused(dir, "no/such/store.db", /unable to open/);
});

Deno.test("a directory is refused as a store", async () => {
  await using dir = await TempDir.make();
  await Deno.mkdir(dir.join("folder"));
  assertEquals(refusalOf(dir.join("folder")), "StartError");
});

Deno.test("a truncated store file is refused in one line", async () => {
  await using dir = await TempDir.make();
  const store = openSqliteFile(dir.join("store.db"));
  store.close();
  await Deno.truncate(dir.join("store.db"), 8192);
  assertEquals(refusalOf(dir.join("store.db")), "StartError");
});

/** The name of the error that opening the file throws. */
function refusalOf(file: string): string {
  try {
    openSqliteFile(file).close();
    return "nothing";
  } catch (error) {
    return error instanceof Error ? error.name : String(error);
  }
}

Deno.test("a store that another process uses is refused and left as it is", async () => {
  await using dir = await TempDir.make();
  const module = JSON.stringify(
    new URL("../../../src/broker/sqlite/sqlite_file.ts", import.meta.url).href,
  );
  const file = JSON.stringify(dir.join("store.db"));
  const script = `import { openSqliteFile } from ${module};
    const database = openSqliteFile(${file});
    console.error("open");
    setInterval(() => database.isOpen, 1000);`;
  await dir.write("hold.ts", script);
  await using holder = await ChildProcess.spawn(Deno.execPath(), [
    "run",
    "-A",
    dir.join("hold.ts"),
  ]);
  await holder.stderr.waitFor(/^open$/);
  await assertRefused(dir, "store.db", /another process/);
  await holder.stop("SIGKILL");
  openSqliteFile(dir.join("store.db")).close();
});

Deno.test("an empty file becomes a store, and a store is opened again as it was", async () => {
  await using dir = await TempDir.make();
  const file = await dir.write("store.db", "");
  const epochs = [1, 2].map(() => {
    const store = openSqliteFile(file);
    const epoch = store.prepare("SELECT value FROM meta WHERE name = 'epoch'").get()?.value;
    store.close();
    return epoch;
  });
  assertEquals(epochs[0], epochs[1]);
});

Deno.test("a file that cannot be written is refused", {
  // Root can write any file, so the test needs a file system that is read-only.
  ignore: !canMount(),
}, async () => {
  await using dir = await TempDir.make();
  openSqliteFile(dir.join("store.db")).close();
  const { code } = await run("mount", ["--bind", "-o", "ro", dir.path, dir.path]);
  assertEquals(code, 0, "mount");
  try {
    assertEquals(refusalOf(dir.join("store.db")), "StartError");
    assertEquals(refusalOf(dir.join("new.db")), "StartError");
  } finally {
    await run("umount", [dir.path]);
  }
});
