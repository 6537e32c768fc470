/**
 * A directory of a test's own, removed with everything in it when the test ends.
 *
 * @module
 */

/** A temporary directory; disposing of it removes it. */
export class TempDir implements AsyncDisposable {
  /** Its absolute path. */
  readonly path: string;

  private constructor(path: string) {
    this.path = path;
  }

  /** Makes an empty directory that every user of the machine may read, as web servers drop their rights. */
  static async make(): Promise<TempDir> {
    const path = await Deno.makeTempDir({ prefix: "sse-test-" });
    await Deno.chmod(path, 0o755);
    return new TempDir(path);
  }

  /** The absolute path of a file in it. */
  join(name: string): string {
    return `${this.path}/${name}`;
  }

  /** Writes a text file into it, with any folder it needs, and returns its absolute path. */
  async write(name: string, text: string): Promise<string> {
    const path = this.join(name);
    await Deno.mkdir(path.slice(0, path.lastIndexOf("/")), { recursive: true });
    await Deno.writeTextFile(path, text);
    return path;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Deno.remove(this.path, { recursive: true });
  }
}
