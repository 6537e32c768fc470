/** The server as a package for npm: packed, installed in an empty folder, started and used. */
import { makeNpmPackage } from "../../.ci/packaging/npm_package.ts";
import { assertEquals, assertIncludes, assertMatch } from "../support/assert.ts";
import { run } from "../support/child_process.ts";
import { pinnedDeno } from "../support/packaging.ts";
import { startServer } from "../support/server.ts";
import { runServerCommand } from "../support/server_command.ts";
import { openStream } from "../support/sse_client.ts";
import { TempDir } from "../support/temp_dir.ts";
import { requires, toolPath } from "../support/tools.ts";
import { startWaitingServer } from "../support/waiting_server.ts";
import manifest from "../../deno.json" with { type: "json" };

/** Packs the package and installs it in a folder of its own, with the packages that it depends on. */
async function install(folder: TempDir): Promise<string> {
  await makeNpmPackage(folder.join("package"));
  const app = folder.join("app");
  await Deno.mkdir(app);
  const npm = async (...args: readonly string[]) => {
    const result = await run(toolPath("npm"), [...args, "--silent"], {
      cwd: app,
      deadlineMs: 120_000,
    });
    assertEquals(result.code, 0, `npm ${args.join(" ")}: ${result.stdout}${result.stderr}`);
    return result.stdout.trim();
  };
  const packed = await npm("pack", "../package");
  await npm("install", `./${packed}`, "--prefer-offline", "--no-audit", "--no-fund");
  return app;
}

Deno.test({
  name:
    "npm packs the server, an empty folder installs it, and it serves, passes signals on and ends as the server does",
  ...requires("npm", "node"),
  async fn(test) {
    await using folder = await TempDir.make();
    const app = await install(folder);
    const command = [`${app}/node_modules/.bin/simple-sse-server`];

    await test.step("it brings the Deno that the server is tested with", async () => {
      const { dependencies } = JSON.parse(
        await Deno.readTextFile(`${app}/node_modules/simple-sse-server/package.json`),
      );
      assertEquals(dependencies.deno, await pinnedDeno());
    });

    await test.step("it has the version of the server, and the exit status of wrong usage", async () => {
      const version = await runServerCommand(["-version"], { command });
      assertEquals(version, { code: 0, stdout: manifest.version, stderr: "" });
      const wrong = await runServerCommand(["-nosuch"], { command });
      assertEquals([wrong.code, wrong.stdout], [2, ""]);
      assertMatch(wrong.stderr, /^sse-server: Unknown flag -nosuch\./);
    });

    await test.step("it has the client of Redis", async () => {
      await using server = await startWaitingServer("redis://127.0.0.1:1/0", { command });
      assertEquals(await server.stop("SIGTERM"), 0);
    });

    for (const signal of ["SIGTERM", "SIGINT"] as const) {
      await test.step(`an event arrives, SIGHUP rereads, ${signal} ends every stream cleanly`, async () => {
        const secret = await folder.write(
          "secret",
          "a secret of the tests, long enough for a key\n",
        );
        const flags = [
          "-workers",
          "2",
          "-secret-file",
          secret,
          "-store",
          `sqlite:${folder.join(`${signal}.db`)}`,
        ];
        await using server = await startServer(flags, { command });
        const token = await server.token({ userId: "alex", channel: "chat" });
        await using stream = await openStream(server.eventsUrl, { token });
        await server.emit({ userId: "alex", channel: "chat", data: "hello" });
        assertEquals((await stream.next()).data, "hello");
        const script = await fetch(`${server.clientOrigin}/client.js`);
        assertIncludes(await script.text(), "export function connect");
        const description = await server.control("/openapi.json");
        assertIncludes(await description.text(), '"openapi":"3.1.0"');
        server.signal("SIGHUP");
        await server.log.waitFor(/ token keys reread /);
        assertEquals(await server.stop(signal), 0);
        assertEquals(await stream.waitForEnd(), "clean");
      });
    }
  },
});
