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

/**
 * The `server` block that docs/proxies.md gives for nginx: while the server is away, clients that try to come back
 * are told to try again, as nginx's own 502 would end an EventSource for good.
 *
 * @param clientListener Host and port of the server's client listener.
 */
export function documentedServerBlock(
  port: number,
  clientListener: string,
): string {
  return `
server {
    listen 127.0.0.1:${port};
    server_name yoursite.com;
    location /api/sse/ {
        proxy_pass http://${clientListener}/events/;
        proxy_http_version 1.1;
        proxy_set_header Connection "";
        error_page 502 504 = @sse_away;
    }
    location @sse_away {
        default_type text/event-stream;
        add_header Cache-Control no-cache;
        return 200 ": the server is away\\nretry: 2000\\n\\n";
    }
}
`;
}

/** Directives that keep what nginx puts aside in a folder of the test's, as it may not write elsewhere. */
export function temporaryPaths(folder: string): string {
  return ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"]
    .map((name) => `  ${name}_temp_path "${folder}/${name}";`).join("\n");
}
