/**
 * A real redis-server that is killed, paused and started again on the same port, with its data or empty.
 *
 * @module
 */
import { ChildProcess, run } from "./child_process.ts";
import { lastingPort } from "./lasting_ports.ts";
import { TempDir } from "./temp_dir.ts";
import { findProgram, toolPath } from "./tools.ts";
import { waitFor } from "./wait.ts";

/** A running Redis; disposing of it ends it. */
export class RedisServer implements AsyncDisposable {
  readonly port: number;
  readonly #folder: TempDir;
  readonly #settings: readonly string[];
  readonly #executable: string;
  #process: ChildProcess | undefined;
  #lives = 0;

  private constructor(
    port: number,
    folder: TempDir,
    settings: readonly string[],
    executable: string,
  ) {
    this.port = port;
    this.#folder = folder;
    this.#settings = settings;
    this.#executable = executable;
  }

  /**
   * Starts one that writes every change to its append-only file before it answers.
   *
   * @param settings As on the command line of redis-server. A password that they set is given to
   *   {@link RedisServer.command} too.
   * @param executable The redis-server to start.
   */
  static async start(
    settings: readonly string[] = [],
    executable = toolPath("redis"),
  ): Promise<RedisServer> {
    const server = new RedisServer(lastingPort(), await TempDir.make(), settings, executable);
    try {
      await server.startAgain();
      return server;
    } catch (error) {
      await server[Symbol.asyncDispose]();
      throw error;
    }
  }

  /** The value of `-store`. */
  get url(): string {
    return `redis://127.0.0.1:${this.port}/0`;
  }

  get pid(): number {
    return this.#process?.pid ?? 0;
  }

  /** Starts it after it was killed, with the data it had, and waits until it answers. */
  async startAgain(): Promise<void> {
    const folder = this.#folder.join(String(this.#lives));
    await Deno.mkdir(folder, { recursive: true });
    const process = await ChildProcess.spawn(this.#executable, [
      ...["--port", String(this.port), "--bind", "127.0.0.1", "--dir", folder],
      // With "everysec" Redis answers without having written while an earlier fsync takes its time.
      ...["--save", "", "--appendonly", "yes", "--appendfsync", "always"],
      ...this.#settings,
    ]);
    this.#process = process;
    await waitFor(
      () => `redis-server to answer; it wrote:\n${process.stdout.text}\n${process.stderr.text}`,
      async () => {
        if (process.status) throw new Error("redis-server ended");
        return (await this.command("PING")) === "PONG";
      },
    );
  }

  /** Starts it after it was killed, without any data. */
  async startEmpty(): Promise<void> {
    this.#lives++;
    await this.startAgain();
  }

  /** Ends it with SIGKILL. What it has answered is in its file. */
  async kill(): Promise<void> {
    await this.#process?.stop("SIGKILL");
  }

  /** Stops it in its tracks; its connections stay. */
  pause(): void {
    this.#process?.signal("SIGSTOP");
  }

  /** Lets it go on. */
  goOn(): void {
    this.#process?.signal("SIGCONT");
  }

  /** Asks it one command with redis-cli; answers what that prints. */
  async command(...words: readonly string[]): Promise<string> {
    const cli = findProgram("redis-cli");
    if (cli === undefined) throw new Error("redis-cli is missing: install redis-tools");
    const password = this.#settings[this.#settings.indexOf("--requirepass") + 1];
    const login = this.#settings.includes("--requirepass") ? ["--pass", String(password)] : [];
    const args = ["-p", String(this.port), ...login, "--no-auth-warning", ...words];
    return (await run(cli, args)).stdout;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#process?.[Symbol.asyncDispose]();
    await this.#folder[Symbol.asyncDispose]();
  }
}
