/**
 * The programs from outside that some tests run against: where they are, and what to install if they are not.
 *
 * @module
 */

/** A program that tests use. */
export interface Tool {
  /** The Debian packages that bring it. */
  readonly packages: readonly string[];
  /** Services that those packages start and that no test needs. */
  readonly services: readonly string[];
  /** The absolute path of its executable, or `undefined` if it, or a module of it that tests need, is missing. */
  find(): string | undefined;
}

/** Every tool, by the name that {@link requires} takes. */
export const TOOLS = {
  php: {
    packages: ["php-cli", "php-curl"],
    services: [],
    find: () => findPhpWithCurl(),
  },
  python: {
    packages: ["python3"],
    services: [],
    find: () => findProgram("python3"),
  },
  node: {
    packages: ["nodejs"],
    services: [],
    find: () => findProgram("node"),
  },
  systemd: {
    packages: ["systemd"],
    services: [],
    find: () => findProgram("systemd-analyze"),
  },
  venv: {
    packages: ["python3", "python3-venv"],
    services: [],
    find: () => findPythonWithVenv(),
  },
  npm: {
    packages: ["npm"],
    services: [],
    find: () => findProgram("npm"),
  },
  go: {
    packages: ["golang-go"],
    services: [],
    find: () => findProgram("go"),
  },
  curl: {
    packages: ["curl"],
    services: [],
    find: () => findProgram("curl"),
  },
  apache: {
    packages: ["apache2-bin"],
    services: [],
    find: () => apacheModules() === undefined ? undefined : findProgram("apache2", "httpd"),
  },
  nginx: {
    packages: ["nginx"],
    services: ["nginx"],
    find: () => findProgram("nginx"),
  },
  redis: {
    packages: ["redis-server"],
    services: ["redis-server"],
    find: () => findProgram("redis-server"),
  },
  prometheus: {
    packages: ["prometheus"],
    services: ["prometheus"],
    find: () => findProgram("prometheus"),
  },
  promtool: {
    packages: ["prometheus"],
    services: [],
    find: () => findProgram("promtool"),
  },
  haproxy: {
    packages: ["haproxy"],
    services: ["haproxy"],
    find: () => findProgram("haproxy"),
  },
  caddy: {
    packages: ["caddy"],
    services: ["caddy"],
    find: () => findProgram("caddy"),
  },
  openssl: {
    packages: ["openssl"],
    services: [],
    find: () => findProgram("openssl"),
  },
  chromium: {
    packages: ["chromium"],
    services: [],
    find: () =>
      findProgram(
        "chromium",
        "chromium-browser",
        "google-chrome-stable",
        "google-chrome",
      ),
  },
  firefox: {
    packages: ["firefox-esr"],
    services: [],
    find: () => findProgram("firefox-esr", "firefox"),
  },
} as const satisfies Readonly<Record<string, Tool>>;

/** The name of a tool. */
export type ToolName = keyof typeof TOOLS;

/** The names of all tools that this machine lacks. */
export function missingTools(): ToolName[] {
  return toolNames().filter((name) => TOOLS[name].find() === undefined);
}

/** The Debian packages that bring some tools. */
export function packagesOf(names: readonly ToolName[]): string[] {
  return names.flatMap((name) => [...TOOLS[name].packages]);
}

/**
 * The absolute path of a tool's executable.
 *
 * @throws {Error} saying what to install, if it is missing.
 */
export function toolPath(name: ToolName): string {
  const path = TOOLS[name].find();
  if (path !== undefined) return path;
  throw new Error(
    `${name} is missing: install ${packagesOf([name]).join(" ")}`,
  );
}

const saidBefore = new Set<string>();

/**
 * For `Deno.test`: ignores a test where a tool it needs is missing, and says in one line what to install.
 * With `CI=true` nothing is ignored, so that such a test fails.
 */
export function requires(...names: readonly ToolName[]): { ignore: boolean } {
  if (runsInCi()) return { ignore: false };
  const missing = names.filter((name) => TOOLS[name].find() === undefined);
  if (missing.length === 0) return { ignore: false };
  const line = `tests that need ${missing.join(" and ")} are ignored: install ${
    packagesOf(missing).join(" ")
  }`;
  if (!saidBefore.has(line)) say(line);
  saidBefore.add(line);
  return { ignore: true };
}

/** Whether this is a run in continuous integration, where everything must be there. */
export function runsInCi(): boolean {
  return Deno.env.get("CI") === "true";
}

/** Prints a line to standard error, for whoever runs the tests. */
export function say(line: string): void {
  Deno.stderr.writeSync(new TextEncoder().encode(`${line}\n`));
}

/** The directory of Apache's modules, or `undefined` where there is none with those that tests need. */
export function apacheModules(): string | undefined {
  const places = [
    "/usr/lib/apache2/modules",
    "/usr/lib64/httpd/modules",
    "/usr/lib/httpd/modules",
  ];
  // Distributions that split Apache have the last two in packages of their own.
  return places.find((place) =>
    ["proxy_http", "ssl", "http2"].every((name) => exists(`${place}/mod_${name}.so`))
  );
}

/** The absolute path of the first of some programs that is found, or `undefined`. */
export function findProgram(...names: readonly string[]): string | undefined {
  // Servers live in sbin, which is not on the PATH of everyone who may run them.
  const folders = [
    ...(Deno.env.get("PATH") ?? "").split(":"),
    "/usr/sbin",
    "/usr/local/sbin",
  ];
  for (const name of names) {
    for (const folder of folders) {
      if (folder !== "" && exists(`${folder}/${name}`)) {
        return `${folder}/${name}`;
      }
    }
  }
  return undefined;
}

function toolNames(): ToolName[] {
  return Object.keys(TOOLS) as ToolName[];
}

function findPhpWithCurl(): string | undefined {
  const php = findProgram("php");
  if (php === undefined) return undefined;
  const { stdout } = new Deno.Command(php, {
    args: ["-m"],
    stdin: "null",
    stderr: "null",
  }).outputSync();
  return /^curl$/m.test(new TextDecoder().decode(stdout)) ? php : undefined;
}

function findPythonWithVenv(): string | undefined {
  const python = findProgram("python3");
  if (python === undefined) return undefined;
  const { success } = new Deno.Command(python, {
    args: ["-c", "import ensurepip, venv"],
    stdin: "null",
    stdout: "null",
    stderr: "null",
  }).outputSync();
  return success ? python : undefined;
}

function exists(path: string): boolean {
  try {
    Deno.statSync(path);
    return true;
  } catch {
    return false;
  }
}
