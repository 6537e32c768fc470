/**
 * A real Apache httpd with mod_proxy, with a configuration and a document root of the test's own.
 *
 * @module
 */
import { startWebServer, type WebServer } from "./web_server.ts";
import { apacheModules, toolPath } from "./tools.ts";

/** What Apache serves. */
export interface ApacheOptions {
  /** The `<VirtualHost>` block, and whatever stands around it; given the port that it is to name. */
  readonly site: (port: number) => string;
  /** Files of the document root, by their path in it, such as `js/app.js`. Default: none. */
  readonly files?: Readonly<Record<string, string>>;
}

const MODULES = [
  "mpm_event",
  "authz_core",
  "mime",
  "dir",
  "proxy",
  "proxy_http",
  "asis",
];

/**
 * Starts Apache on a free port of 127.0.0.1, in front of whatever its site names.
 *
 * @throws {Error} with its error log, if it does not start.
 */
export async function startApache(options: ApacheOptions): Promise<WebServer> {
  const program = toolPath("apache");
  const modules = apacheModules();
  return await startWebServer({
    name: "apache",
    files: options.files ?? {},
    configuration: (port, folder) => `
ServerRoot "${folder}"
PidFile "${folder}/apache.pid"
Mutex pthread
ErrorLog /dev/stderr
LogLevel warn
Listen 127.0.0.1:${port}
ServerName 127.0.0.1
User www-data
Group www-data
ServerLimit 2
MaxRequestWorkers 128
StartServers 1
ThreadsPerChild 64
${MODULES.map((name) => `LoadModule ${name}_module ${modules}/mod_${name}.so`).join("\n")}
TypesConfig /dev/null
AddType text/html .html
AddType text/javascript .js
DocumentRoot "${folder}/site"
${options.site(port)}
`,
    command: (
      configurationFile,
    ) => [program, "-f", configurationFile, "-DFOREGROUND"],
  });
}

/**
 * The virtual host of the Go program's README, word for word but for ports and TLS.
 *
 * @param clientListener Host and port of the server's client listener.
 */
export function seedVirtualHost(port: number, clientListener: string): string {
  return `
<VirtualHost *:${port}>
    ServerName yoursite.com
    ProxyPass /api/sse/ http://${clientListener}/events/
    ProxyPassReverse /api/sse/ http://${clientListener}/events/
    ProxyPreserveHost On
</VirtualHost>
`;
}

/**
 * The virtual host that docs/proxies.md recommends: while the server is away, clients that try to come back are told
 * to try again, as Apache's own 503 would end an EventSource for good. `retry=0` is for versions of Apache that
 * keep answering so for a minute after the server is back; Debian's 2.4.71 does not.
 *
 * @param clientListener Host and port of the server's client listener.
 */
export function documentedVirtualHost(
  port: number,
  clientListener: string,
): string {
  return `
<VirtualHost *:${port}>
    ServerName yoursite.com
    ProxyPass /api/sse/ http://${clientListener}/events/ retry=0
    ProxyPassReverse /api/sse/ http://${clientListener}/events/
    ProxyPreserveHost On
    <Location /api/sse/>
        ErrorDocument 502 /sse-away.asis
        ErrorDocument 503 /sse-away.asis
    </Location>
    <Files sse-away.asis>
        SetHandler send-as-is
    </Files>
</VirtualHost>
`;
}

/** The file that {@link documentedVirtualHost} names, in the document root. */
export const SSE_AWAY_FILE = {
  "sse-away.asis": `Status: 200 OK
Content-Type: text/event-stream
Cache-Control: no-cache

: the server is away
retry: 2000

`,
} as const;
