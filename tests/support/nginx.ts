/**
 * A real nginx as a reverse proxy, with a configuration of the test's own.
 *
 * @module
 */
import { startWebServer, type WebServer } from "./web_server.ts";
import { toolPath } from "./tools.ts";

/** What nginx serves. */
export interface NginxOptions {
  /** The `server` blocks, and whatever else stands in `http`; given the port to listen on. */
  readonly site: (port: number) => string;
  /** Files below `site/` of its folder, by their path. Default: none. */
  readonly files?: Readonly<Record<string, string>>;
}

/**
 * Starts nginx on a free port of 127.0.0.1, in front of whatever its site names.
 *
 * @throws {Error} with its error log, if it does not start.
 */
export async function startNginx(options: NginxOptions): Promise<WebServer> {
  const program = toolPath("nginx");
  return await startWebServer({
    name: "nginx",
    files: options.files ?? {},
    configuration: (port, folder) => `
${Deno.uid() === 0 ? "user www-data;" : ""}
daemon off;
worker_processes 1;
pid "${folder}/nginx.pid";
error_log stderr warn;
events { worker_connections 1024; }
http {
  access_log off;
${temporaryPaths(folder)}
  ${options.site(port)}
}
`,
    command: (configurationFile, folder) => [
      program,
      "-p",
      folder,
      "-c",
      configurationFile,
      // Without this it first tries to open the log file it was built with, which only root may.
      "-e",
      "stderr",
    ],
  });
}

/** Directives that keep what nginx puts aside in a folder of the test's, as it may not write elsewhere. */
export function temporaryPaths(folder: string): string {
  return ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"]
    .map((name) => `  ${name}_temp_path "${folder}/${name}";`).join("\n");
}
