/** What systemd is told by a server that it starts with `Type=notify` and `WatchdogSec=`. */
import { assertEquals, assertMatch } from "../support/assert.ts";
import { run } from "../support/child_process.ts";
import { lastingPort } from "../support/lasting_ports.ts";
import { assertOnlyLogLines } from "../support/log_lines.ts";
import { codeBlock, readPage } from "../support/markdown.ts";
import { startServer } from "../support/server.ts";
import { TempDir } from "../support/temp_dir.ts";
import { requires, toolPath } from "../support/tools.ts";
import { waitFor } from "../support/wait.ts";
import { startWaitingServer } from "../support/waiting_server.ts";

/** Without a ping for this long, the fake manager would start the server anew. */
const WATCHDOG_MS = 400;

/** Stands for systemd: takes what is sent to its socket. */
class FakeManager implements AsyncDisposable {
  readonly messages: string[] = [];
  #lastAt = performance.now();
  readonly path: string;
  readonly #socket: Deno.DatagramConn;
  readonly #reading: Promise<void>;

  constructor(path: string) {
    this.path = path;
    this.#socket = Deno.listenDatagram({ transport: "unixpacket", path });
    this.#reading = this.#read();
  }

  async #read(): Promise<void> {
    for await (const [bytes] of this.#socket) {
      this.messages.push(new TextDecoder().decode(bytes));
      this.#lastAt = performance.now();
    }
  }

  /** What came, without the watchdog's pings. */
  get states(): readonly string[] {
    return this.messages.filter((message) => message !== "WATCHDOG=1");
  }

  get pings(): number {
    return this.messages.length - this.states.length;
  }

  /** How long ago the last message came. */
  get silentMs(): number {
    return performance.now() - this.#lastAt;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#socket.close();
    await this.#reading;
  }
}

Deno.test({
  name: "systemd finds nothing wrong with the unit of docs/running.md",
  ...requires("systemd"),
  async fn() {
    await using folder = await TempDir.make();
    const unit = codeBlock(await readPage("docs/running.md"), "ini");
    assertMatch(unit, /^Type=notify$/m);
    const program = "/usr/local/bin/sse-server";
    // The program is not installed here.
    const file = await folder.write("sse-server.service", unit.replace(program, "/bin/true"));
    const { code, stderr } = await run(toolPath("systemd"), ["verify", file]);
    assertEquals([code, stderr], [0, ""]);
  },
});

for (const workers of ["1", "3"]) {
  Deno.test(`systemd is told when the server is ready, reloads and stops, with ${workers} workers`, async () => {
    await using folder = await TempDir.make();
    await using manager = new FakeManager(folder.join("notify"));
    const env = { NOTIFY_SOCKET: manager.path };
    const server = await startServer(
      ["-workers", workers, "-drain", "20", "-drain-delay", "0.1"],
      { env },
    );
    await waitFor("READY=1", () => manager.states.length === 1);
    server.signal("SIGHUP");
    await waitFor("a reload", () => manager.states.length === 3);
    assertEquals(await server.stop(), 0);
    await waitFor("STOPPING=1", () => manager.states.length === 4);
    assertEquals(manager.states, [
      "READY=1",
      "RELOADING=1",
      "READY=1",
      // With five seconds to close the store.
      "STOPPING=1\nEXTEND_TIMEOUT_USEC=25100000",
    ]);
    assertEquals(manager.pings, 0);
    assertOnlyLogLines(server);
  });
}

Deno.test("systemd is asked for more time as long as the store is away", async () => {
  await using folder = await TempDir.make();
  await using manager = new FakeManager(folder.join("notify"));
  const env = { NOTIFY_SOCKET: manager.path };
  await using server = await startWaitingServer(`redis://127.0.0.1:${lastingPort()}/0`, { env });
  await waitFor("a second request for more time", () => manager.states.length === 2);
  assertEquals(await server.stop("SIGTERM"), 0);
  assertEquals(new Set(manager.messages), new Set(["EXTEND_TIMEOUT_USEC=60000000"]));
});

Deno.test("the watchdog is pinged in time, and no more once the event loop hangs", async () => {
  await using folder = await TempDir.make();
  await using manager = new FakeManager(folder.join("notify"));
  const env = { NOTIFY_SOCKET: manager.path, WATCHDOG_USEC: String(WATCHDOG_MS * 1000) };
  await using server = await startServer([], { env });
  const { pid } = server;
  await waitFor("pings", () => manager.pings >= 3);
  server.signal("SIGSTOP");
  await waitFor(
    "the process to stand still",
    () => /\) T /.test(Deno.readTextFileSync(`/proc/${pid}/stat`)),
  );
  await waitFor("a watchdog that would act", () => manager.silentMs > WATCHDOG_MS);
  server.signal("SIGCONT");
  const { pings } = manager;
  await waitFor("pings again", () => manager.pings > pings);
});

Deno.test("a watchdog that is meant for another process, or without a manager, gets no pings", async () => {
  await using folder = await TempDir.make();
  await using manager = new FakeManager(folder.join("notify"));
  const WATCHDOG_USEC = "1000";
  const env = { NOTIFY_SOCKET: manager.path, WATCHDOG_USEC, WATCHDOG_PID: "1" };
  await using server = await startServer([], { env });
  await using unmanaged = await startServer([], { env: { WATCHDOG_USEC } });
  server.signal("SIGHUP");
  await waitFor("a reload", () => manager.states.length === 3);
  assertEquals(manager.pings, 0);
  assertOnlyLogLines(unmanaged);
});

Deno.test("a service manager that cannot be told does not keep the server from serving", async () => {
  await using folder = await TempDir.make();
  for (
    const [NOTIFY_SOCKET, reason] of [
      ["@abstract", /NOTIFY_SOCKET is not the path of a file/],
      [folder.join("gone"), /No such file/],
    ] as const
  ) {
    await using server = await startServer([], { env: { NOTIFY_SOCKET } });
    const [line] = await server.log.waitFor(/ warn service manager cannot be told reason=.*/);
    assertMatch(line, reason);
    assertEquals(await (await server.control("/healthz")).text(), "ok\n");
  }
});

Deno.test("a start command that may read only SSE_ variables still works", async () => {
  await using folder = await TempDir.make();
  await using manager = new FakeManager(folder.join("notify"));
  const permissions = ["--allow-net", "--allow-read", "--allow-write", "--allow-env=SSE_*"];
  const command = [Deno.execPath(), "run", "--no-prompt", ...permissions, "main.ts"];
  const env = { NOTIFY_SOCKET: manager.path };
  const server = await startServer([], { env, command });
  assertEquals(await (await server.control("/healthz")).text(), "ok\n");
  assertEquals(await server.stop(), 0);
  assertEquals(manager.messages, []);
});
