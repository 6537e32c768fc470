/**
 * Disks that are small, for tests of what happens when they are full.
 *
 * @module
 */
import { assertEquals } from "../assert.ts";
import { run } from "../child_process.ts";
import { TempDir } from "../temp_dir.ts";

/** The capability that lets a process mount file systems; see capabilities(7). */
const CAP_SYS_ADMIN = 21n;

/** Whether this process may mount file systems: as root it may, but for most containers. */
export function canMount(): boolean {
  if (Deno.build.os !== "linux") return false;
  const status = Deno.readTextFileSync("/proc/self/status");
  const capabilities = BigInt(`0x${/^CapEff:\s*([0-9a-f]+)$/m.exec(status)?.[1] ?? "0"}`);
  return (capabilities >> CAP_SYS_ADMIN & 1n) === 1n;
}

/** A disk of some size, with everything on it in the machine's memory. */
export class SmallDisk implements AsyncDisposable {
  readonly #dir: TempDir;

  private constructor(dir: TempDir) {
    this.#dir = dir;
  }

  /** Mounts a disk of a size such as `2m`. */
  static async mount(size: string): Promise<SmallDisk> {
    const dir = await TempDir.make();
    const { code, stderr } = await run("mount", [
      "-t",
      "tmpfs",
      "-o",
      `size=${size}`,
      "sse",
      dir.path,
    ]);
    assertEquals(code, 0, stderr);
    return new SmallDisk(dir);
  }

  /** The absolute path of a file on it. */
  join(name: string): string {
    return this.#dir.join(name);
  }

  /** Makes it larger or smaller, with what is on it. */
  async resize(size: string): Promise<void> {
    await run("mount", ["-o", `remount,size=${size}`, this.#dir.path]);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await run("umount", [this.#dir.path]);
    await this.#dir[Symbol.asyncDispose]();
  }
}
