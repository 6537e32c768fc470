/** The client for browsers as a package: packed, installed in an empty folder, imported, and checked with its types. */
import { assertEquals } from "../support/assert.ts";
import { run } from "../support/child_process.ts";
import { PROJECT_ROOT } from "../support/server_command.ts";
import { TempDir } from "../support/temp_dir.ts";
import { requires, toolPath } from "../support/tools.ts";

const PROGRAM = `import { connect, type Connection } from "simple-sse-server-client";
const stream: Connection = connect("/events/", { token: () => fetch("/token"), gap: ({ asked }) => void asked });
stream.on("message", (text) => text.trim());
stream.on<{ count: number }>("count", ({ count }) => count + 1, { json: true });
// @ts-expect-error: it is text where no JSON is asked for
stream.on("message", (text) => text.count);
stream.close();
`;

async function succeed(program: string, args: readonly string[], cwd: string): Promise<string> {
  const { code, stdout, stderr } = await run(program, [...args], { cwd, deadlineMs: 60_000 });
  assertEquals(code, 0, `${program} ${args.join(" ")}: ${stdout}${stderr}`);
  return stdout;
}

Deno.test({
  name:
    "npm packs the client, an empty folder installs it, Node imports it and its types are right",
  ...requires("npm", "node"),
  async fn() {
    await using folder = await TempDir.make();
    const npm = toolPath("npm");
    const source = `${PROJECT_ROOT}src/client`;
    const packed = await succeed(npm, ["pack", source, "--silent"], folder.path);
    const offline = ["--offline", "--no-audit", "--no-fund", "--silent"];
    await succeed(npm, ["install", `./${packed.trim()}`, ...offline], folder.path);
    const names =
      "import * as client from 'simple-sse-server-client'; console.log(Object.keys(client).join())";
    const printed = await succeed(
      toolPath("node"),
      ["--input-type=module", "-e", names],
      folder.path,
    );
    assertEquals(printed.trim(), "connect");
    await Deno.writeTextFile(folder.join("page.ts"), PROGRAM);
    const libs = JSON.stringify({
      compilerOptions: { lib: ["dom", "esnext"] },
      nodeModulesDir: "manual",
    });
    await Deno.writeTextFile(folder.join("deno.json"), libs);
    await succeed(Deno.execPath(), ["check", "page.ts"], folder.path);
  },
});

Deno.test("the package has the version of the server", async () => {
  const read = async (path: string) => JSON.parse(await Deno.readTextFile(PROJECT_ROOT + path));
  assertEquals((await read("src/client/package.json")).version, (await read("deno.json")).version);
});
