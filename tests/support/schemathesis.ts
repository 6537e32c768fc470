/**
 * schemathesis, which makes requests of an OpenAPI description and checks the answers: from PyPI, in a folder of its
 * own.
 *
 * @module
 */
import { run, type RunResult } from "./child_process.ts";
import { PROJECT_ROOT } from "./server_command.ts";
import { findProgram, say } from "./tools.ts";

/** Its settings, its hooks, and the packages that it is installed from. */
const SETTINGS = `${PROJECT_ROOT}tests/support/schemathesis`;

/** Kept from one run to the next. */
const FOLDER = `${
  Deno.env.get("XDG_CACHE_HOME") ?? `${Deno.env.get("HOME") ?? "/tmp"}/.cache`
}/simple-sse-tests/schemathesis-4.32.5`;

const DEADLINE_MS = 300_000;

/** The path of its executable, where it is installed. */
export function schemathesis(): string | undefined {
  const path = `${FOLDER}/bin/schemathesis`;
  try {
    Deno.statSync(path);
    return path;
  } catch {
    return undefined;
  }
}

/** Installs it with pip, where there is a Python that can. */
export async function installSchemathesis(): Promise<void> {
  const python = findProgram("python3");
  if (python === undefined) return;
  say("installing schemathesis");
  await run(python, ["-m", "venv", FOLDER], { deadlineMs: DEADLINE_MS });
  const packages = [
    "--quiet",
    "--only-binary=:all:",
    "--requirement",
    `${SETTINGS}/requirements.txt`,
  ];
  await run(`${FOLDER}/bin/pip`, ["install", ...packages], { deadlineMs: DEADLINE_MS });
}

/** What a run asks, and of whom. */
export interface SchemathesisRun {
  /** What it is called where it is told of. */
  readonly name: string;
  readonly controlOrigin: string;
  readonly clientOrigin: string;
  readonly controlKey: string;
  /** For streams. */
  readonly token: string;
  /** Set to ask the client listener alone; otherwise paths of both are asked for on the control listener. */
  readonly isClientOnly?: boolean;
  /** Options of the command `run`. */
  readonly options: readonly string[];
  /** Where it may leave files. */
  readonly folder: string;
}

/** Runs it with the description that the control listener serves. */
export function runSchemathesis(asked: SchemathesisRun): Promise<RunResult> {
  const { controlOrigin, clientOrigin, controlKey, token, isClientOnly, options, folder } = asked;
  const settings = ["--config-file", `${SETTINGS}/schemathesis.toml`];
  return run(schemathesis() ?? "schemathesis", [
    ...settings,
    "run",
    `${controlOrigin}/openapi.json`,
    ...options,
  ], {
    cwd: folder,
    env: {
      ...Deno.env.toObject(),
      SCHEMATHESIS_HOOKS: `${SETTINGS}/hooks.py`,
      CONTROL_ORIGIN: controlOrigin,
      CLIENT_ORIGIN: clientOrigin,
      CONTROL_KEY: controlKey,
      CLIENT_TOKEN: token,
      LISTENER: isClientOnly ? "client" : "both",
      PYTHONDONTWRITEBYTECODE: "1",
    },
    deadlineMs: DEADLINE_MS,
  });
}
