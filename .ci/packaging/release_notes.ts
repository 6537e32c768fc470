/**
 * `deno task release:notes TAG`: prints the changelog's section for a version tag, the text of its release.
 *
 * @module
 */
import manifest from "../../deno.json" with { type: "json" };
import { PROJECT_ROOT } from "./files.ts";

/**
 * The section of a version.
 *
 * @param changelog the text of CHANGELOG.md.
 * @param tag such as `v1.2.3`.
 * @throws Error if the tag is not for the version of deno.json, or the changelog has no section for it.
 */
export function releaseNotes(changelog: string, tag: string, version = manifest.version): string {
  if (tag !== `v${version}`) {
    throw new Error(`Cannot release ${tag}: deno.json has version ${version}.`);
  }
  const sections = changelog.split(/^## /m);
  const section = sections.find((text) =>
    text.split(/\s/, 1)[0]?.replace(/[[\]]/g, "") === version
  );
  if (section === undefined) {
    throw new Error(`Cannot release ${tag}: CHANGELOG.md has no section for it.`);
  }
  return section.slice(section.indexOf("\n")).trim() + "\n";
}

if (import.meta.main) {
  const changelog = await Deno.readTextFile(`${PROJECT_ROOT}CHANGELOG.md`);
  const notes = releaseNotes(changelog, Deno.args[0] ?? "");
  await Deno.stdout.write(new TextEncoder().encode(notes));
}
