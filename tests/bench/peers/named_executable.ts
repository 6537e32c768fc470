/** The executable that an environment variable names, if it does. */
export function namedExecutable(variable: string): string | undefined {
  return Deno.env.get(variable) || undefined;
}

/** Why a server that is nowhere to be installed from cannot be measured; `undefined` where it can. */
export async function absenceOfNamed(variable: string): Promise<string | undefined> {
  const path = namedExecutable(variable);
  if (path === undefined) return `${variable} names no executable`;
  try {
    return (await Deno.stat(path)).isFile ? undefined : `${variable}: ${path} is no file`;
  } catch {
    return `${variable}: there is no ${path}`;
  }
}
