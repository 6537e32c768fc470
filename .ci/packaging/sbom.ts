/**
 * The software bill of materials of the executable, in CycloneDX, from what `deno.lock` pins.
 *
 * @module
 */
import manifest from "../../deno.json" with { type: "json" };

/** The part of `deno.lock` that is used here. */
export interface LockFile {
  readonly specifiers: Readonly<Record<string, string>>;
  readonly npm: Readonly<
    Record<string, { readonly integrity: string; readonly dependencies?: readonly string[] }>
  >;
}

/**
 * Makes the bill: the packages that the source imports, what they need, and Deno.
 *
 * @throws Error if the lock file lacks one of them.
 */
export function makeSbom(lock: LockFile) {
  const root = { type: "application", "bom-ref": "sse-server", name: "simple-sse-server" };
  const direct = Object.values(manifest.imports).map((address) => {
    const version = lock.specifiers[address];
    return `${address.slice("npm:".length, address.lastIndexOf("@"))}@${version}`;
  });
  const packages = closureOf(direct, lock);
  return {
    bomFormat: "CycloneDX",
    specVersion: "1.5",
    version: 1,
    metadata: { component: { ...root, version: manifest.version } },
    components: [
      { type: "framework", "bom-ref": "deno", name: "deno", version: Deno.version.deno },
      ...packages.map((key) => componentOf(key, entryOf(key, lock).integrity)),
    ],
    dependencies: [
      { ref: root["bom-ref"], dependsOn: ["deno", ...direct] },
      ...packages.map((key) => ({ ref: key, dependsOn: neededBy(key, lock) })),
    ],
  };
}

/** Some packages, `name@version`, and all that they need, sorted. */
function closureOf(direct: readonly string[], lock: LockFile): readonly string[] {
  const found = new Set<string>();
  const left = [...direct];
  for (let key = left.pop(); key !== undefined; key = left.pop()) {
    if (found.has(key)) continue;
    found.add(key);
    left.push(...neededBy(key, lock));
  }
  return [...found].toSorted();
}

/** The lock file leaves a version out where there is only one. */
function neededBy(key: string, lock: LockFile): readonly string[] {
  return (entryOf(key, lock).dependencies ?? []).map((name) =>
    name in lock.npm ? name : Object.keys(lock.npm).find((other) => nameOf(other) === name) ?? name
  );
}

function entryOf(key: string, lock: LockFile): LockFile["npm"][string] {
  const entry = lock.npm[key];
  if (entry === undefined) throw new Error(`Cannot make the SBOM: deno.lock does not have ${key}.`);
  return entry;
}

function componentOf(key: string, integrity: string) {
  const name = nameOf(key);
  const version = key.slice(name.length + 1);
  const content = Uint8Array.fromBase64(integrity.slice("sha512-".length)).toHex();
  return {
    type: "library",
    "bom-ref": key,
    name,
    version,
    purl: `pkg:npm/${name.replace("@", "%40")}@${version}`,
    hashes: [{ alg: "SHA-512", content }],
  };
}

function nameOf(key: string): string {
  return key.slice(0, key.lastIndexOf("@"));
}
