/** What a release consists of besides executables: its text, its sums, its list of parts. */
import { releaseNotes } from "../../.ci/packaging/release_notes.ts";
import { makeSbom } from "../../.ci/packaging/sbom.ts";
import { writeSums } from "../../.ci/packaging/sums.ts";
import { assert, assertEquals, assertMatch, assertThrows } from "../support/assert.ts";
import { run } from "../support/child_process.ts";
import { readProjectFile } from "../support/packaging.ts";
import { TempDir } from "../support/temp_dir.ts";
import manifest from "../../deno.json" with { type: "json" };

const CHANGELOG =
  "# Changelog\n\n## Unreleased\n\n- x\n\n## 1.1.0 - 2027-01-01\n\n### Added\n\n- A.\n\n## 1.0.0\n\n- B.\n";

Deno.test("a release's text is the changelog's section of its version", () => {
  assertEquals(releaseNotes(CHANGELOG, "v1.1.0", "1.1.0"), "### Added\n\n- A.\n");
  assertEquals(releaseNotes(CHANGELOG, "v1.0.0", "1.0.0"), "- B.\n");
  assertThrows(
    () => releaseNotes(CHANGELOG, "v1.1.0", "1.0.0"),
    /^Cannot release v1\.1\.0: deno\.json has version 1\.0\.0\.$/,
  );
  assertThrows(() => releaseNotes(CHANGELOG, "v1.2.0", "1.2.0"), /CHANGELOG\.md has no section/);
});

Deno.test("the sums are those that sha256sum checks", async () => {
  await using folder = await TempDir.make();
  await folder.write("b", "one");
  await folder.write("a", "two");
  await writeSums(folder.path);
  await writeSums(folder.path);
  const check = ["--check", "--strict", "SHA256SUMS"];
  const { code, stdout } = await run("sha256sum", check, { cwd: folder.path });
  assertEquals([code, stdout], [0, "a: OK\nb: OK"]);
});

Deno.test("the SBOM names what the executable holds, with the hashes of deno.lock, and nothing of the tests", async () => {
  const lock = JSON.parse(await readProjectFile("deno.lock"));
  const { components, dependencies } = makeSbom(lock);
  const names = components.map(({ name, version }) => `${name}@${version}`);
  for (const address of Object.values(manifest.imports)) {
    assert(names.includes(address.replace("npm:", "")), address);
  }
  assert(!names.some((name) => name.startsWith("playwright")));
  assertEquals(
    dependencies.map(({ ref }) => ref).slice(1).toSorted(),
    names.filter((name) => !name.startsWith("deno@")),
  );
  for (const component of components) {
    if ("hashes" in component) assertMatch(component.hashes[0]?.content ?? "", /^[0-9a-f]{128}$/);
  }
  const withMore = {
    specifiers: lock.specifiers,
    npm: {
      ...lock.npm,
      "jose@6.2.17": { ...lock.npm["jose@6.2.17"], dependencies: ["ms@1.0.0", "only"] },
      "ms@1.0.0": lock.npm["jose@6.2.17"],
      "only@2.0.0": lock.npm["jose@6.2.17"],
    },
  };
  const more = makeSbom(withMore).components.map(({ name, version }) => `${name}@${version}`);
  assertEquals(more.filter((name) => !names.includes(name)), ["ms@1.0.0", "only@2.0.0"]);
});
