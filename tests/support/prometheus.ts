/**
 * A real Prometheus, and the files of examples/monitoring/ for it.
 *
 * @module
 */
import { ChildProcess } from "./child_process.ts";
import { freePort } from "./ports.ts";
import { PROJECT_ROOT } from "./server_command.ts";
import { TempDir } from "./temp_dir.ts";
import { toolPath } from "./tools.ts";
import { waitFor } from "./wait.ts";

/** One series of an answer. */
export interface PromSeries {
  readonly metric: Readonly<Record<string, string>>;
  /** The time in seconds, and the value as text. */
  readonly value: readonly [number, string];
}

/** A running Prometheus; disposing of it ends it. */
export class Prometheus implements AsyncDisposable {
  readonly #folder: TempDir;
  readonly #process: ChildProcess;
  readonly #origin: string;

  private constructor(folder: TempDir, process: ChildProcess, origin: string) {
    this.#folder = folder;
    this.#process = process;
    this.#origin = origin;
  }

  /**
   * Starts one with the example's files, but for the server's address, and for a scrape each second.
   *
   * @param target the address of the control listener.
   * @param key the control key.
   */
  static async start(target: string, key: string): Promise<Prometheus> {
    const folder = await TempDir.make();
    const config = await readExample("prometheus.yml");
    await folder.write("control-key", `${key}\n`);
    await folder.write("alerts.yml", await readExample("alerts.yml"));
    const file = await folder.write(
      "prometheus.yml",
      replaced(replaced(config, "127.0.0.1:8001", target), "interval: 15s", "interval: 1s"),
    );
    const port = freePort();
    const process = await ChildProcess.spawn(toolPath("prometheus"), [
      ...[`--config.file=${file}`, `--storage.tsdb.path=${folder.join("data")}`],
      `--web.listen-address=127.0.0.1:${port}`,
    ]);
    const prometheus = new Prometheus(folder, process, `http://127.0.0.1:${port}`);
    try {
      await waitFor(() => `Prometheus to be ready; it wrote:\n${process.stderr.text}`, async () => {
        if (process.status) throw new Error(`Prometheus ended:\n${process.stderr.text}`);
        return await prometheus.#isReady();
      });
      return prometheus;
    } catch (error) {
      await prometheus[Symbol.asyncDispose]();
      throw error;
    }
  }

  /** Answers a query as of now. @throws {Error} if it is not a query. */
  async query(expression: string): Promise<readonly PromSeries[]> {
    const query = new URLSearchParams({ query: expression });
    const { result } = await this.#get<{ result: readonly PromSeries[] }>(`query?${query}`);
    return result;
  }

  async #isReady(): Promise<boolean> {
    try {
      const response = await fetch(`${this.#origin}/-/ready`);
      await response.body?.cancel();
      return response.ok;
    } catch {
      return false;
    }
  }

  async #get<Data>(path: string): Promise<Data> {
    const answer = await (await fetch(`${this.#origin}/api/v1/${path}`)).json();
    if (answer.status !== "success") throw new Error(`${path}: ${answer.error}`);
    return answer.data as Data;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#process.stop();
    await this.#folder[Symbol.asyncDispose]();
  }
}

/** A file of examples/monitoring/. */
export function readExample(name: string): Promise<string> {
  return Deno.readTextFile(`${PROJECT_ROOT}examples/monitoring/${name}`);
}

/** @throws {Error} if the text has no such part. */
function replaced(text: string, part: string, by: string): string {
  if (!text.includes(part)) throw new Error(`no ${part} in:\n${text}`);
  return text.replace(part, by);
}
