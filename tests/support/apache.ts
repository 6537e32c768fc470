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
  "headers",
  "ssl",
  "http2",
  "reqtimeout",
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
AcceptFilter http none
AcceptFilter https none
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
