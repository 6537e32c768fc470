/** The workflows of `.github/`, which run only there: what they name is here, and a linter finds nothing. */
import { assert, assertEquals } from "../support/assert.ts";
import { run } from "../support/child_process.ts";
import { pinnedDeno, readProjectFile } from "../support/packaging.ts";
import { PROJECT_ROOT } from "../support/server_command.ts";
import { requires, toolPath } from "../support/tools.ts";
import manifest from "../../deno.json" with { type: "json" };

const ACTIONLINT = "github.com/rhysd/actionlint/cmd/actionlint@v1.7.12";

const NAMES = ["ci.yml", "release.yml"];
const texts = await Promise.all(NAMES.map((name) => readProjectFile(`.github/workflows/${name}`)));
const workflows = texts.join("\n").replaceAll(/^ *#.*$/gm, "");

function namedIn(text: string, pattern: RegExp): readonly string[] {
  return Array.from(text.matchAll(pattern), ([, name = ""]) => name);
}

Deno.test("every task that a workflow, a task or a page names is a task", async () => {
  const others = await Promise.all(
    [".ci/run", "docs/releasing.md", "docs/running.md"].map(readProjectFile),
  );
  const commands = Object.values(manifest.tasks).map(({ command }) => command);
  const text = [workflows, ...others, ...commands].join("\n");
  const tasks = [...new Set(namedIn(text, /deno(?:@[\d.]+)? task ([a-z][\w:]*)/g))];
  assert(tasks.includes("release:sums") && tasks.includes("ok"), tasks.join());
  assertEquals(tasks.filter((name) => !Object.hasOwn(manifest.tasks, name)), []);
});

Deno.test("every file that a workflow or a task names is there", async () => {
  const commands = Object.values(manifest.tasks).map(({ command }) => command).join("\n");
  const files = namedIn(
    `${workflows}\n${commands}`,
    /(?<=[\s"'])((?:\.ci|tests|examples)\/[\w./-]*)/g,
  );
  assert(files.includes(".ci/run") && files.includes("tests/e2e/"), files.join());
  for (const path of files) await Deno.stat(PROJECT_ROOT + path);
});

Deno.test("the workflows have the Deno of .ci/run", async () => {
  const versions = new Set(namedIn(workflows, /deno-version: ([\d.]+)/g));
  assertEquals([...versions], [await pinnedDeno()]);
});

Deno.test("actionlint finds nothing in the workflows", requires("go"), async () => {
  const paths = NAMES.map((name) => `${PROJECT_ROOT}.github/workflows/${name}`);
  const options = { cwd: PROJECT_ROOT, deadlineMs: 240_000 };
  const { code, stdout, stderr } = await run(
    toolPath("go"),
    ["run", ACTIONLINT, ...paths],
    options,
  );
  assertEquals(code, 0, stdout + stderr);
});
