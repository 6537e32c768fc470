/**
 * The container image and `compose.yaml`, as far as they can be checked without a container engine: what they name is
 * there, and the server works where the image lets it run.
 */
import { assert, assertEquals, assertMatch } from "../support/assert.ts";
import { pinnedDeno, readProjectFile, requiresRoot } from "../support/packaging.ts";
import { startServer } from "../support/server.ts";
import { PROJECT_ROOT } from "../support/server_command.ts";
import { openStream } from "../support/sse_client.ts";
import { TempDir } from "../support/temp_dir.ts";
import { environmentName, SERVER_OPTIONS } from "../../src/config/options.ts";
import manifest from "../../deno.json" with { type: "json" };

const dockerfile = await readProjectFile("Dockerfile");
const compose = await readProjectFile("compose.yaml");

Deno.test("the image is built with the Deno of the tests, from files that are there, by a task that is there", async () => {
  assertEquals(
    /^FROM denoland\/deno:debian-(\S+) AS build$/m.exec(dockerfile)?.[1],
    await pinnedDeno(),
  );
  const copied = Array.from(
    dockerfile.matchAll(/^COPY (?!--)(.+) \S+$/gm),
    ([, names = ""]) => names.split(" "),
  ).flat();
  assert(copied.includes("main.ts"));
  for (const name of copied) await Deno.stat(PROJECT_ROOT + name);
  const tasks = Array.from(dockerfile.matchAll(/deno task (\S+)/g), ([, name = ""]) => name);
  assertEquals(tasks.filter((name) => !Object.hasOwn(manifest.tasks, name)), []);
});

Deno.test("the image runs as a user without privileges, and its health check needs no shell", () => {
  const [, last = ""] = dockerfile.split(/^FROM gcr\.io\/distroless\//m);
  assertMatch(last, /^USER nonroot:nonroot$/m);
  const entry = JSON.parse(/^ENTRYPOINT (.+)$/m.exec(last)?.[1] ?? "null");
  const check = JSON.parse(/^HEALTHCHECK .*CMD (.+)$/m.exec(last)?.[1] ?? "null");
  assertEquals(check, [...entry, "health"]);
});

Deno.test("compose.yaml gives variables that the server has, mounts files that are there, and scrapes as the example", async () => {
  const variables = Array.from(compose.matchAll(/^ +(SSE_\w+):/gm), ([, name = ""]) => name);
  const known = SERVER_OPTIONS.map(({ name }) => environmentName(name));
  assertEquals(variables.filter((name) => !known.includes(name)), []);
  assert(variables.length >= 5);
  const mounted = Array.from(compose.matchAll(/^ +- (\.\/[^:]+):/gm), ([, path = ""]) => path);
  assertEquals(mounted.length, 2);
  for (const path of mounted) await Deno.stat(PROJECT_ROOT + path);
  const scrape = await readProjectFile("examples/monitoring/prometheus.yml");
  const expected = withoutComments(scrape)
    .replace("127.0.0.1:8001", "sse-server:8001").replace(
      ": control-key",
      ": /run/secrets/control-key",
    );
  const inlined = /^ {2}prometheus:\n {4}content: \|\n((?: {6}.*\n)+)/m.exec(compose)?.[1] ?? "";
  assertEquals(inlined.replaceAll(/^ {6}/gm, ""), expected);
});

Deno.test(
  "the server works on a root file system that nobody can write to",
  requiresRoot("unshare"),
  async () => {
    await using data = await TempDir.make();
    const readOnly =
      'mount --bind / / && mount --bind "$0" "$0" && mount -o remount,bind,ro / && exec "$@"';
    const wrapper = ["unshare", "-m", "sh", "-c", readOnly, data.path];
    // The compiled executable has no cache to write.
    await using server = await startServer(["-store", `sqlite:${data.join("events.db")}`], {
      wrapper,
    });
    const mounts = await Deno.readTextFile(`/proc/${server.pid}/mounts`);
    assertMatch(mounts, /^\S+ \/ \S+ ro[, ]/m);
    const token = await server.token({ userId: "alex", channel: "chat" });
    await using stream = await openStream(server.eventsUrl, { token });
    await server.emit({ userId: "alex", channel: "chat", data: "hello" });
    assertEquals((await stream.next()).data, "hello");
  },
);

/** YAML without comments and empty lines. */
function withoutComments(text: string): string {
  return text.split("\n").filter((line) => line.trim() !== "" && !/^ *#/.test(line)).join("\n") +
    "\n";
}
