/**
 * An nginx that is reloaded or killed, and comes back to the same port.
 *
 * @module
 */
import { ChildProcess } from "./child_process.ts";
import { lastingPort } from "./lasting_ports.ts";
import { temporaryPaths } from "./nginx.ts";
import { accepts } from "./ports.ts";
import { TempDir } from "./temp_dir.ts";
import { toolPath } from "./tools.ts";
import { waitFor } from "./wait.ts";

/** An nginx in front of one server; disposing of it ends it. */
export class RestartingNginx implements AsyncDisposable {
  /** The stream's address as clients see it. */
  readonly eventsUrl: string;
  readonly #port: number;
  readonly #folder: TempDir;
  #process: ChildProcess | undefined;

  private constructor(port: number, folder: TempDir) {
    this.#port = port;
    this.#folder = folder;
    this.eventsUrl = `http://127.0.0.1:${port}/events/`;
  }

  /**
   * Starts nginx on a port that stays its own while it is away.
   *
   * @param clientListener Host and port of the server's client listener.
   */
  static async start(clientListener: string): Promise<RestartingNginx> {
    const port = lastingPort();
    const folder = await TempDir.make();
    await folder.write("nginx.conf", configuration(folder.path, port, clientListener));
    const nginx = new RestartingNginx(port, folder);
    try {
      await nginx.startAgain();
      return nginx;
    } catch (error) {
      await nginx[Symbol.asyncDispose]();
      throw error;
    }
  }

  /** Starts it after it was killed, and waits until it accepts connections. */
  async startAgain(): Promise<void> {
    const process = await ChildProcess.spawn(
      toolPath("nginx"),
      // Without -e it first tries to open the log file it was built with, which only root may.
      ["-p", this.#folder.path, "-c", this.#folder.join("nginx.conf"), "-e", "stderr"],
    );
    this.#process = process;
    await waitFor(() => `nginx to accept connections; it wrote:\n${process.stderr.text}`, () => {
      if (process.status) throw new Error(`nginx ended: ${process.stderr.text}`);
      return accepts(this.#port);
    });
  }

  /** Has it read its configuration anew: new workers take over, the old ones cut their streams. */
  reload(): void {
    this.#process?.signal("SIGHUP");
  }

  /** Ends it and its workers with SIGKILL, with every connection through them. */
  async kill(): Promise<void> {
    await this.#process?.crash();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.kill();
    await this.#folder[Symbol.asyncDispose]();
  }
}

/**
 * Unlike the configuration that docs/proxies.md gives, this one leaves nginx's own 502 as it is, and has
 * a reloaded nginx cut its streams at once where it would else wait for their ends.
 */
function configuration(folder: string, port: number, clientListener: string): string {
  return `
${Deno.uid() === 0 ? "user www-data;" : ""}
daemon off;
worker_processes 1;
worker_shutdown_timeout 1ms;
pid "${folder}/nginx.pid";
error_log stderr crit;
events { worker_connections 512; }
http {
  access_log off;
${temporaryPaths(folder)}
  server {
    listen 127.0.0.1:${port};
    location /events/ {
      proxy_pass http://${clientListener}/events/;
      proxy_http_version 1.1;
      proxy_set_header Connection "";
    }
  }
}
`;
}
