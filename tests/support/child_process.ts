/**
 * Child processes whose output is read line by line, and which never outlive their test.
 *
 * @module
 */
import { TextLineStream } from "./lines.ts";
import { waitFor, type WaitOptions, withDeadline } from "./wait.ts";

/** How a process is started. */
export interface SpawnOptions {
  /** Working directory. Default: the test runner's. */
  readonly cwd?: string;
  /** The process's whole environment. Default: the test runner's. */
  readonly env?: Readonly<Record<string, string>>;
  /** What the process reads on standard input. Default: nothing, at once at its end. */
  readonly stdin?: string;
}

/** The lines that a process wrote to one of its outputs, without their line ends, in order. */
export class OutputLines {
  readonly lines: string[] = [];
  /** Settles when the process has closed this output. */
  readonly closed: Promise<void>;

  constructor(stream: ReadableStream<Uint8Array<ArrayBuffer>>) {
    this.closed = this.#collect(stream);
  }

  async #collect(
    stream: ReadableStream<Uint8Array<ArrayBuffer>>,
  ): Promise<void> {
    const lines = stream.pipeThrough(new TextDecoderStream()).pipeThrough(
      new TextLineStream(),
    );
    for await (const line of lines) this.lines.push(line);
  }

  /** The whole output as one text. */
  get text(): string {
    return this.lines.join("\n");
  }

  /**
   * Waits for a line that matches, past or coming, and returns the match.
   *
   * @throws {Error} with the lines that did come, when the deadline has passed.
   */
  waitFor(
    pattern: RegExp,
    options: WaitOptions = {},
  ): Promise<RegExpMatchArray> {
    return waitFor(() => `a line like ${pattern}, among:\n${this.text}`, () => {
      for (const line of this.lines) {
        const match = line.match(pattern);
        if (match) return match;
      }
      return undefined;
    }, options);
  }
}

/** A running program; disposing of it kills it if it still runs. */
export class ChildProcess implements AsyncDisposable {
  readonly stdout: OutputLines;
  readonly stderr: OutputLines;
  /** Settles when the process has ended and all of its output is read. */
  readonly exited: Promise<Deno.CommandStatus>;
  readonly #process: Deno.ChildProcess;
  #status: Deno.CommandStatus | undefined;

  private constructor(process: Deno.ChildProcess) {
    this.#process = process;
    this.stdout = new OutputLines(process.stdout);
    this.stderr = new OutputLines(process.stderr);
    this.exited = this.#waitUntilExited();
  }

  /**
   * Starts a program.
   *
   * @throws {Deno.errors.NotFound} if there is no such program.
   */
  static async spawn(
    program: string,
    args: readonly string[],
    options: SpawnOptions = {},
  ): Promise<ChildProcess> {
    const process = new Deno.Command(program, {
      args: [...args],
      ...(options.cwd === undefined ? {} : { cwd: options.cwd }),
      ...(options.env === undefined ? {} : { env: { ...options.env }, clearEnv: true }),
      stdin: options.stdin === undefined ? "null" : "piped",
      stdout: "piped",
      stderr: "piped",
    }).spawn();
    const child = new ChildProcess(process);
    if (options.stdin !== undefined) {
      const writer = process.stdin.getWriter();
      await writer.write(new TextEncoder().encode(options.stdin));
      await writer.close();
    }
    return child;
  }

  async #waitUntilExited(): Promise<Deno.CommandStatus> {
    const status = await this.#process.status;
    this.#status = status;
    await Promise.all([this.stdout.closed, this.stderr.closed]);
    return status;
  }

  get pid(): number {
    return this.#process.pid;
  }

  /** How it ended, or `undefined` while it runs. */
  get status(): Deno.CommandStatus | undefined {
    return this.#status;
  }

  /** Sends a signal; does nothing if the process has ended. */
  signal(signal: Deno.Signal): void {
    if (this.#status) return;
    try {
      this.#process.kill(signal);
    } catch (error) {
      // It may end between the check and the signal.
      if (
        !(error instanceof TypeError) &&
        !(error instanceof Deno.errors.NotFound)
      ) throw error;
    }
  }

  /**
   * Sends a signal and waits for the end.
   *
   * @returns The exit code; 128 plus the signal's number if a signal ended it.
   * @throws {Error} if it has not ended by the deadline; it is killed then.
   */
  async stop(
    signal: Deno.Signal = "SIGTERM",
    options: WaitOptions = {},
  ): Promise<number> {
    this.signal(signal);
    try {
      const what = () =>
        `process ${this.pid} to end after ${signal}; it wrote:\n${this.stderr.text}`;
      return (await withDeadline(what, this.exited, options)).code;
    } catch (error) {
      this.signal("SIGKILL");
      await this.exited;
      throw error;
    }
  }

  /**
   * Ends it and the processes it started (not their own children) with SIGKILL, as a crash would. On systems
   * without `/proc`, ends it with SIGTERM and leaves its children to it.
   */
  async crash(): Promise<void> {
    const children = this.#status ? [] : await childrenOf(this.pid);
    if (children === undefined) {
      await this.stop("SIGTERM");
      return;
    }
    // The parent first, so that it cannot replace its children.
    this.signal("SIGKILL");
    for (const pid of children) killIfAlive(pid);
    await this.exited;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.signal("SIGKILL");
    await this.exited;
  }
}

async function childrenOf(pid: number): Promise<number[] | undefined> {
  try {
    const children = await Deno.readTextFile(
      `/proc/${pid}/task/${pid}/children`,
    );
    return children.split(" ").filter((word) => word !== "").map(Number);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return undefined;
    throw error;
  }
}

function killIfAlive(pid: number): void {
  try {
    Deno.kill(pid, "SIGKILL");
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  }
}

/** What a program that ran to its end left behind. */
export interface RunResult {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/**
 * Runs a program to its end.
 *
 * @throws {Error} if it has not ended by the deadline; it is killed then.
 */
export async function run(
  program: string,
  args: readonly string[],
  options: SpawnOptions & WaitOptions = {},
): Promise<RunResult> {
  await using child = await ChildProcess.spawn(program, args, options);
  const what = () => `${program} to end; it wrote:\n${child.stdout.text}\n${child.stderr.text}`;
  const { code } = await withDeadline(what, child.exited, options);
  return { code, stdout: child.stdout.text, stderr: child.stderr.text };
}
