/**
 * The Debian package on this machine: installed, started, upgraded, purged. Its executable is a stand-in of the same name
 * that runs the source with the same flags: the compiled one cannot be made where its base cannot be downloaded.
 */
import { makeDebianPackage } from "../../.ci/packaging/debian_package.ts";
import { assert, assertEquals, assertMatch, assertNotMatch } from "../support/assert.ts";
import { run } from "../support/child_process.ts";
import { requiresRoot } from "../support/packaging.ts";
import { type Server, startServer } from "../support/server.ts";
import { PROJECT_ROOT } from "../support/server_command.ts";
import { openStream } from "../support/sse_client.ts";
import { TempDir } from "../support/temp_dir.ts";

const NAME = "simple-sse-server";
const SETTINGS = "/etc/default/sse-server";
const SECRET = "/etc/sse-server/secret";
const STATE = "/var/lib/sse-server";
const UNIT = "/lib/systemd/system/sse-server.service";

/** Its bit among the blocked signals. */
const SIGUSR1 = 1n << 9n;

async function succeed(program: string, ...args: readonly string[]): Promise<string> {
  const env = { ...Deno.env.toObject(), DEBIAN_FRONTEND: "noninteractive" };
  const { code, stdout, stderr } = await run(program, args, { env, deadlineMs: 60_000 });
  assertEquals(code, 0, `${program} ${args.join(" ")}: ${stdout}${stderr}`);
  return stdout + stderr;
}

/** A program that runs a copy of the source, which the package's user may read, and Deno with it. */
async function makeStandIn(folder: TempDir): Promise<string> {
  for (const name of ["main.ts", "deno.json", "deno.lock", "src"]) {
    await succeed("cp", "-r", PROJECT_ROOT + name, folder.path);
  }
  await Deno.copyFile(Deno.execPath(), folder.join("deno"));
  // The package's user has no cache of its own, and downloads nothing.
  const packages = "cache/npm/registry.npmjs.org";
  await Deno.mkdir(folder.join(packages), { recursive: true });
  await succeed("cp", "-r", await cachedPackage("jose"), folder.join(packages));
  const script = await folder.write(
    "sse-server",
    `#!/bin/sh
export DENO_DIR=${folder.join("cache")}
exec ${
      folder.join("deno")
    } run --quiet --no-prompt --allow-net --allow-read --allow-write "--allow-env=SSE_*,NOTIFY_SOCKET,WATCHDOG_USEC,WATCHDOG_PID" \\
    ${folder.join("main.ts")} "$@"
`,
  );
  await Deno.chmod(script, 0o755);
  await succeed(script, "-version");
  await succeed("chmod", "-R", "a+rwX", folder.path);
  return script;
}

/** The folder of a package in the cache that the tests run with. */
async function cachedPackage(name: string): Promise<string> {
  const { npmCache } = JSON.parse(await succeed(Deno.execPath(), "info", "--json"));
  return `${npmCache}/registry.npmjs.org/${name}`;
}

/** Starts the server as the unit says, on other ports. */
async function start(): Promise<Server> {
  const unit = await Deno.readTextFile(UNIT);
  const valueOf = (key: string) => new RegExp(`^${key}=(.*)$`, "m").exec(unit)?.[1] ?? "";
  const settings = await Deno.readTextFile(valueOf("EnvironmentFile"));
  const env = Object.fromEntries(
    Array.from(
      settings.matchAll(/^(SSE_\w+)=(.*)$/gm),
      ([, name = "", value = ""]) => [name, value],
    ),
  );
  const user = ["--reuid", valueOf("User"), "--regid", valueOf("Group"), "--clear-groups"];
  return await startServer(["-secret-file", env.SSE_SECRET_FILE ?? ""], {
    env,
    wrapper: ["setpriv", ...user, "--no-new-privs", "--bounding-set=-all"],
    command: valueOf("ExecStart").split(" "),
  });
}

async function exists(path: string): Promise<boolean> {
  return await Deno.lstat(path).then(() => true, () => false);
}

async function modeAndOwner(path: string): Promise<string> {
  return (await succeed("stat", "-c", "%a %U %G", path)).trim();
}

Deno.test(
  "the Debian package is installed, started, upgraded and purged",
  requiresRoot("dpkg-deb", "setpriv", "systemd-analyze"),
  async (test) => {
    const before = await run("dpkg-query", ["-W", NAME]);
    assert(before.code !== 0, `${NAME} is installed on this machine: the test would purge it`);
    await using folder = await TempDir.make();
    const executable = await makeStandIn(folder);
    const make = (version: string) => makeDebianPackage({ executable, version, out: folder.path });
    await using cleanUp = new AsyncDisposableStack();
    cleanUp.defer(async () => void await run("dpkg", ["--purge", NAME]));
    let secret = "";
    let token = "";
    let lastEventId = "";

    await test.step("installed, it has a user and a secret of its own, and the server works", async () => {
      await succeed("dpkg", "--install", await make("1.0.0"));
      secret = await Deno.readTextFile(SECRET);
      assertEquals(secret.trim().length, 44, "32 bytes in base64");
      assertEquals(await modeAndOwner(SECRET), "640 root sse-server");
      assertEquals(await modeAndOwner(STATE), "750 sse-server sse-server");
      assertMatch(
        await succeed("getent", "passwd", "sse-server"),
        /:\/var\/lib\/sse-server:\/usr\/sbin\/nologin$/m,
      );
      await using server = await start();
      token = await server.token({ userId: "alex", channel: "chat" });
      await using stream = await openStream(server.eventsUrl, { token });
      await server.emit({ userId: "alex", channel: "chat", data: "before" });
      assertEquals((await stream.next()).data, "before");
      lastEventId = stream.lastEventId;
      const { uid } = await Deno.stat(`/proc/${server.pid}`);
      assertEquals(String(uid), (await succeed("id", "-u", "sse-server")).trim());
      const [, blocked = ""] = /^SigBlk:\s+([0-9a-f]+)$/m.exec(
        await Deno.readTextFile(`/proc/${server.pid}/status`),
      ) ?? [];
      assert((BigInt(`0x${blocked}`) & SIGUSR1) !== 0n, "SIGUSR1 would open the debugger");
      await server.emit({ userId: "alex", channel: "chat", data: "while away" });
    });

    await test.step("systemd takes the unit, and finds it well shielded", async () => {
      assertNotMatch(await succeed("systemd-analyze", "verify", UNIT), /sse-server/);
      // 0 is safest, 10 is worst; it fails above 3.0.
      await succeed("systemd-analyze", "security", "--offline=true", "--threshold=30", UNIT);
    });

    await test.step("upgraded, it keeps its secret, its changed settings and its events", async () => {
      const changed = (await Deno.readTextFile(SETTINGS)) + "SSE_RETRY=1234\n";
      await Deno.writeTextFile(SETTINGS, changed);
      await succeed("dpkg", "--install", await make("1.0.1"));
      assertEquals(await Deno.readTextFile(SETTINGS), changed);
      assertEquals(await Deno.readTextFile(SECRET), secret);
      await using server = await start();
      await using stream = await openStream(server.eventsUrl, { token, lastEventId });
      assertEquals((await stream.next()).data, "while away");
    });

    await test.step("removed, it leaves what an operator may want back", async () => {
      await succeed("dpkg", "--remove", NAME);
      assertEquals(
        await Promise.all(["/usr/bin/sse-server", UNIT, SETTINGS, SECRET, STATE].map(exists)),
        [
          ...[false, false],
          ...[true, true, true],
        ],
      );
    });

    await test.step("purged, nothing of it is left", async () => {
      await succeed("dpkg", "--purge", NAME);
      const places = [SETTINGS, "/etc/sse-server", STATE, "/usr/share/doc/simple-sse-server"];
      assertEquals(await Promise.all(places.map(exists)), [false, false, false, false]);
      assertEquals((await run("getent", ["passwd", "sse-server"])).code, 2);
    });
  },
);
