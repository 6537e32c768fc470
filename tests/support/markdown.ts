/**
 * The project's pages, read as text: their code blocks, links, headings, and the files that they name.
 *
 * @module
 */
import { assert } from "./assert.ts";
import { PROJECT_ROOT } from "./server_command.ts";

/** One page. */
export interface Page {
  /** From the project's root, such as `docs/http.md`. */
  readonly path: string;
  readonly text: string;
}

/** Folders whose pages are the project's own. */
const FOLDERS = ["", "docs/", "examples/"];

/** Every page of the project, in the order of their paths. */
export async function readPages(): Promise<readonly Page[]> {
  const pages: Page[] = [];
  for (const folder of FOLDERS) {
    for await (const path of listPages(folder, folder === "examples/")) {
      pages.push(await readPage(path));
    }
  }
  return pages.sort((one, other) => one.path < other.path ? -1 : 1);
}

/** One page, by its path from the project's root. */
export async function readPage(path: string): Promise<Page> {
  return { path, text: await Deno.readTextFile(PROJECT_ROOT + path) };
}

async function* listPages(folder: string, deep: boolean): AsyncGenerator<string> {
  for await (const { name, isDirectory } of Deno.readDir(PROJECT_ROOT + folder)) {
    if (isDirectory && deep) yield* listPages(`${folder}${name}/`, deep);
    else if (name.endsWith(".md")) yield folder + name;
  }
}

/**
 * The first code block of a page that is marked so and starts so, without the white space around it.
 *
 * @throws {Error} if there is none.
 */
export function codeBlock({ path, text }: Page, mark: string, start = ""): string {
  const blocks = text.matchAll(/^```(\w+)\n([^]*?)^```$/gm);
  const block = blocks.find(([, its, code]) => its === mark && code?.startsWith(start));
  assert(block !== undefined, `${path} has no block marked ${mark} that starts with "${start}"`);
  return String(block[2]).trim();
}

/** The targets of a page's links and pictures. */
export function linksOf(page: Page): readonly string[] {
  return [...proseOf(page).matchAll(/\]\(([^()\s]+)\)/g)].map(([, target]) => String(target));
}

/** The anchors of a page's headings, as GitHub, GitLab and Gitea make them. */
export function anchorsOf(page: Page): readonly string[] {
  const seen = new Map<string, number>();
  return [...proseOf(page).matchAll(/^#{1,6} (.*)$/gm)].map(([, heading = ""]) => {
    const plain = heading.replace(/\[([^\]]*)\]\([^)]*\)/g, "$1").trim().toLowerCase();
    const anchor = plain.replace(/[^\p{L}\p{N}_\- ]/gu, "").replaceAll(" ", "-");
    const before = seen.get(anchor) ?? 0;
    seen.set(anchor, before + 1);
    return before === 0 ? anchor : `${anchor}-${before}`;
  });
}

/** Files and folders of the project that a page names in code, such as `src/hub/hub.ts` or `tests/faults/`. */
export function filesNamedIn(page: Page): readonly string[] {
  const named = proseOf(page).matchAll(/`((?:src|tests|docs|examples|\.ci)\/[\w./-]*)`/g);
  return [...named].map(([, path]) => String(path));
}

/** A page without its code blocks. */
function proseOf({ text }: Page): string {
  return text.replace(/^```[^]*?^```$/gm, "");
}
