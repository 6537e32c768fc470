import { reasonOf } from "../lib/errors.ts";
import type { Logger } from "../observability/logger.ts";

/** The variables that systemd sets; see sd_notify(3) and sd_watchdog_enabled(3). */
type Variable = "NOTIFY_SOCKET" | "WATCHDOG_USEC" | "WATCHDOG_PID";

/** What a server needs after its drain time, such as to close its store. */
const CLOSING_MS = 5000;

/** Longer than a server that waits for its store stays silent. */
const WAITING_MS = 60_000;

/**
 * Tells the service manager how the server is: with systemd's `Type=notify`, and its watchdog. The pings come from
 * the event loop of the main thread, so that a process that hangs sends none. Worker threads are not asked: one
 * that hangs is replaced, while the others serve.
 */
export class ServiceManager {
  readonly #socket: Deno.DatagramConn;
  readonly #path: string;
  readonly #logger: Logger;
  readonly #watchdogMs: number | undefined;
  #pinging: ReturnType<typeof setInterval> | undefined;
  /** Messages go out in order. */
  #sent: Promise<void> = Promise.resolve();
  #hasFailed = false;

  private constructor(path: string, watchdogMs: number | undefined, logger: Logger) {
    this.#path = path;
    this.#watchdogMs = watchdogMs;
    this.#logger = logger;
    this.#socket = openSocket();
  }

  /** Finds the service manager; `undefined` where there is none to tell, or the log says why it cannot be told. */
  static find(logger: Logger): ServiceManager | undefined {
    const path = variable("NOTIFY_SOCKET");
    if (path === undefined) return undefined;
    const failed = (reason: string) => logger.warn("service manager cannot be told", { reason });
    // The runtime takes no name with a NUL, as an abstract socket's begins with.
    if (!path.startsWith("/")) return void failed("NOTIFY_SOCKET is not the path of a file");
    try {
      return new ServiceManager(path, watchdogMs(), logger);
    } catch (error) {
      return void failed(reasonOf(error));
    }
  }

  /** The server waits for its store, which may take longer than the unit's `TimeoutStartSec`. To be repeated. */
  waiting(): void {
    this.#send(`EXTEND_TIMEOUT_USEC=${WAITING_MS * 1000}`);
  }

  /** Both listeners accept, or the files were reread. From now on, the watchdog is pinged. */
  ready(): void {
    this.#send("READY=1");
    if (this.#watchdogMs === undefined || this.#pinging !== undefined) return;
    // Half of the time, as sd_watchdog_enabled(3) advises.
    this.#pinging = setInterval(() => this.#send("WATCHDOG=1"), this.#watchdogMs / 2);
  }

  /** Files are about to be reread; to be followed by `ready`. */
  reloading(): void {
    this.#send("RELOADING=1");
  }

  /**
   * The server was told to stop. The watchdog is pinged until `close`.
   *
   * @param ms how long it may take, which may be longer than the unit's `TimeoutStopSec`.
   */
  stopping(ms: number): void {
    this.#send(`STOPPING=1\nEXTEND_TIMEOUT_USEC=${Math.round((ms + CLOSING_MS) * 1000)}`);
  }

  async close(): Promise<void> {
    clearInterval(this.#pinging);
    await this.#sent;
    this.#socket.close();
  }

  #send(message: string): void {
    const bytes = new TextEncoder().encode(message);
    const to: Deno.UnixAddr = { transport: "unixpacket", path: this.#path };
    this.#sent = this.#sent.then(() => this.#socket.send(bytes, to)).then(
      () => void (this.#hasFailed = false),
      (error) => this.#failed(reasonOf(error)),
    );
  }

  #failed(reason: string): void {
    if (!this.#hasFailed) this.#logger.warn("service manager cannot be told", { reason });
    this.#hasFailed = true;
  }
}

/** The runtime sends only from a socket with a path. Its file is needed no longer than that. */
function openSocket(): Deno.DatagramConn {
  const folder = Deno.makeTempDirSync({ prefix: "sse-server-" });
  try {
    return Deno.listenDatagram({ transport: "unixpacket", path: `${folder}/notify` });
  } finally {
    Deno.removeSync(folder, { recursive: true });
  }
}

/** The time within which the watchdog wants a ping; `undefined` where it wants none of this process. */
function watchdogMs(): number | undefined {
  const ms = Number(variable("WATCHDOG_USEC")) / 1000;
  const pid = variable("WATCHDOG_PID");
  const isMeant = pid === undefined || pid === String(Deno.pid);
  return isMeant && ms > 0 ? ms : undefined;
}

/** A variable's value, if it is set and this program may read it: a start command of old allows only its own. */
function variable(name: Variable): string | undefined {
  const { state } = Deno.permissions.querySync({ name: "env", variable: name });
  return state === "granted" ? Deno.env.get(name) || undefined : undefined;
}
