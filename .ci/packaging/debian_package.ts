/**
 * `deno task package:deb`: makes the Debian package dist/simple-sse-server_VERSION_ARCHITECTURE.deb of the executable
 * that `deno task compile` has made. Needs dpkg-deb.
 *
 * @module
 */
import manifest from "../../deno.json" with { type: "json" };
import { PROJECT_ROOT, runOrThrow } from "./files.ts";

/** What Debian calls the architectures that Deno is there for. */
const ARCHITECTURES = { x86_64: "amd64", aarch64: "arm64" } as const;

/** What goes into a package. */
export interface DebianPackage {
  /** The file that becomes /usr/bin/sse-server. */
  readonly executable: string;
  readonly version: string;
  /** The folder for the package. */
  readonly out: string;
}

/** Makes the package and returns its path. @throws Error with the output of dpkg-deb, if that fails. */
export async function makeDebianPackage(
  { executable, version, out }: DebianPackage,
): Promise<string> {
  const architecture = ARCHITECTURES[Deno.build.arch];
  const tree = await Deno.makeTempDir({ prefix: "sse-deb-" });
  try {
    await Deno.chmod(tree, 0o755);
    const add = async (source: string, target: string, mode: number) => {
      const file = `${tree}/${target}`;
      await Deno.mkdir(file.slice(0, file.lastIndexOf("/")), { recursive: true, mode: 0o755 });
      await Deno.copyFile(source, file);
      await Deno.chmod(file, mode);
    };
    const ours = `${PROJECT_ROOT}.ci/packaging/debian`;
    await add(executable, "usr/bin/sse-server", 0o755);
    await add(`${ours}/sse-server.service`, "lib/systemd/system/sse-server.service", 0o644);
    await add(`${ours}/default`, "etc/default/sse-server", 0o644);
    await add(`${PROJECT_ROOT}LICENSE`, "usr/share/doc/simple-sse-server/copyright", 0o644);
    for (const script of ["postinst", "prerm", "postrm"]) {
      await add(`${ours}/${script}`, `DEBIAN/${script}`, 0o755);
    }
    const control = await Deno.readTextFile(`${ours}/control`);
    const fields = `Version: ${version}\nArchitecture: ${architecture}\n`;
    await Deno.writeTextFile(
      `${tree}/DEBIAN/control`,
      control.replace("Section:", `${fields}Section:`),
    );
    await Deno.writeTextFile(`${tree}/DEBIAN/conffiles`, "/etc/default/sse-server\n");
    await Deno.mkdir(out, { recursive: true });
    const file = `${out}/simple-sse-server_${version}_${architecture}.deb`;
    await runOrThrow("dpkg-deb", ["--root-owner-group", "--build", tree, file]);
    return file;
  } finally {
    await Deno.remove(tree, { recursive: true });
  }
}

if (import.meta.main) {
  const out = `${PROJECT_ROOT}dist`;
  await makeDebianPackage({ executable: `${out}/sse-server`, version: manifest.version, out });
}
