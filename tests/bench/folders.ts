/** Where the benchmark keeps what it built or installed, from one run to the next. */
export function cacheFolder(): string {
  const caches = Deno.env.get("XDG_CACHE_HOME") ?? `${Deno.env.get("HOME") ?? "/tmp"}/.cache`;
  return `${caches}/simple-sse-bench`;
}

/** A path inside this folder of the source. */
export function sourcePath(name: string): string {
  return new URL(name, import.meta.url).pathname;
}

/** The folder that better-sse is installed into. */
export function betterSseFolder(): string {
  return `${cacheFolder()}/better-sse`;
}
