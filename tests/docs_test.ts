/** What the pages show is what the program has, and what the tests run; what they point to is there. */
import { assert, assertEquals } from "./support/assert.ts";
import { withCode } from "./support/clients/page.ts";
import { flagsPage } from "./support/flags_page.ts";
import { documentedLines, loggedLines } from "./support/log_table.ts";
import {
  anchorsOf,
  filesNamedIn,
  linksOf,
  type Page,
  readPage,
  readPages,
} from "./support/markdown.ts";
import { PROJECT_ROOT } from "./support/server_command.ts";
import { readSourceFiles } from "./support/source_files.ts";

const pages = await readPages();

Deno.test("docs/flags.md lists every flag with its default and what it does", async () => {
  const { text } = await readPage("docs/flags.md");
  assert(text === flagsPage(), "docs/flags.md is stale: run deno task docs");
});

Deno.test("docs/clients.md shows the code that the tests run", async () => {
  const { text } = await readPage("docs/clients.md");
  assert(text === await withCode(text), "docs/clients.md is stale: run deno task clients");
});

Deno.test("docs/log.md has every message of the log with its levels, and no other", async () => {
  const documented = documentedLines(await readPage("docs/log.md"));
  const logged = loggedLines(await readSourceFiles());
  assert(logged.length > 40, `only ${logged.length} calls of a logger were found`);
  const wrong = logged.flatMap(({ message, levels, path }) => {
    if (message === undefined) return [`${path}: a message is not a text that can be found`];
    const row = documented.get(message);
    if (row === undefined) return [`${path}: "${message}" has no row`];
    return levels.filter((level) => !row.levels.includes(level))
      .map((level) => `${path}: the row of "${message}" does not name ${level}`);
  });
  const stale = [...documented.keys()].filter((message) =>
    !logged.some((line) => line.message === message)
  );
  assertEquals({ wrong, stale }, { wrong: [], stale: [] });
});

Deno.test("no page has a placeholder left", () => {
  assertEquals(pages.filter(({ text }) => text.includes("@@")).map(({ path }) => path), []);
});

Deno.test("every link of a page leads to a file that is there, and to a heading in it", async () => {
  assert(pages.length > 10, `only ${pages.length} pages were found`);
  const dead: string[] = [];
  for (const page of pages) {
    for (const link of linksOf(page)) {
      if (/^[a-z]+:/.test(link)) continue;
      if (!await leadsSomewhere(page, link)) dead.push(`${page.path} links to ${link}`);
    }
  }
  assertEquals(dead, []);
});

Deno.test("every file that a page names in code is there", async () => {
  const missing: string[] = [];
  for (const page of pages.filter(({ path }) => path !== "CHANGELOG.md")) {
    for (const path of filesNamedIn(page)) {
      if (!await exists(path)) missing.push(`${page.path} names ${path}`);
    }
  }
  assertEquals(missing, []);
});

Deno.test("every page of docs/ is reached from the README", () => {
  const readme = pages.find(({ path }) => path === "README.md");
  assert(readme !== undefined);
  const linked = linksOf(readme);
  const unlinked = pages.map(({ path }) => path)
    .filter((path) => path.startsWith("docs/") && !linked.includes(path));
  assertEquals(unlinked, []);
});

async function leadsSomewhere(from: Page, link: string): Promise<boolean> {
  const [target = "", anchor] = link.split("#");
  const url = new URL(target, `file:///${from.path}`);
  const path = target === "" ? from.path : url.pathname.slice(1);
  if (!await exists(path)) return false;
  if (anchor === undefined) return true;
  return anchorsOf(await readPage(path)).includes(anchor);
}

async function exists(path: string): Promise<boolean> {
  try {
    await Deno.stat(PROJECT_ROOT + path);
    return true;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    throw error;
  }
}
