/** What a program writes to its standard output; `undefined` where it fails or is not there. */
export async function textOf(
  program: string,
  args: readonly string[],
): Promise<string | undefined> {
  try {
    const { success, stdout } = await new Deno.Command(program, {
      args: [...args],
      env: { DEBIAN_FRONTEND: "noninteractive" },
      stdin: "null",
      stderr: "null",
    }).output();
    return success ? new TextDecoder().decode(stdout) : undefined;
  } catch {
    return undefined;
  }
}

/** The version of a Debian package, or that it came from elsewhere. */
export async function packageVersion(name: string): Promise<string> {
  const version = await textOf("dpkg-query", ["-W", "-f", "${Version}", name]);
  return version === undefined ? `${name}, not of a Debian package` : `${name} ${version}`;
}
