/**
 * The proxies of docs/proxies.md, each with its very block from that page; and HAProxy before two servers, with the
 * lines of docs/cluster.md.
 *
 * @module
 */
import { startApache } from "./apache.ts";
import { type Certificates, readCertificate } from "./certificates.ts";
import { codeBlock, readPage } from "./markdown.ts";
import { startNginx } from "./nginx.ts";
import { type ToolName, toolPath } from "./tools.ts";
import { startWebServer, type WebServer } from "./web_server.ts";

/** Where a proxy stands, and for which pages. */
export interface ProxyPlace {
  /** Host and port of the server's client listener, or `unix:` and its path. */
  readonly clientListener: string;
  /** For TLS and HTTP/2, as the page has it. Default: the lines about them are left out. */
  readonly certificates?: Certificates;
  /** The other origin whose pages may connect. Default: the one that the page names. */
  readonly pageOrigin?: string;
  /**
   * Whether slow requests are cut after one second rather than the page's ten, and slow handshakes after five
   * at most: then the server's heartbeats must be shorter. Default: no.
   */
  readonly shortTimes?: boolean;
  /** Files of Apache's document root, by their path in it. Default: none but the page's own. */
  readonly files?: Readonly<Record<string, string>>;
}

/** A proxy; the stream is at `/api/sse/` of its origin. */
export interface DocumentedProxy {
  readonly name: string;
  readonly tool: ToolName;
  readonly start: (place: ProxyPlace) => Promise<WebServer>;
}

/** The other origin whose pages may connect, as the page names it. */
export const DOCUMENTED_PAGE_ORIGIN = "https://app.example.com";

const CLIENT_LISTENER = "127.0.0.1:8000";
const OTHER_CLIENT_LISTENER = "127.0.0.1:8010";
const CERTIFICATE = "/etc/ssl/yoursite.com.pem";
const KEY = "/etc/ssl/yoursite.com.key";

const page = await readPage("docs/proxies.md");
const clusterPage = await readPage("docs/cluster.md");

/** Apache's virtual host, and the file that it answers with while the server is away. */
export const APACHE: DocumentedProxy = {
  name: "Apache",
  tool: "apache",
  start: ({ files, ...place }) =>
    startApache({
      site: (port) =>
        place.certificates === undefined
          ? block("apache", place, { "*:443": `*:${port}` }, /^ *(SSL|Protocols)/)
          : block("apache", place, {
            "*:443": `*:${port}`,
            [CERTIFICATE]: place.certificates.certificate,
            [KEY]: place.certificates.key,
          }),
      files: { ...files, "sse-away.asis": awayFile("Status: 200") },
    }),
};

const NGINX: DocumentedProxy = {
  name: "nginx",
  tool: "nginx",
  start: (place) =>
    startNginx({
      site: (port) =>
        place.certificates === undefined
          ? block("nginx", place, { "443 ssl http2": `127.0.0.1:${port}` }, /^ *ssl_/)
          : block("nginx", place, {
            "listen 443": `listen 127.0.0.1:${port}`,
            [CERTIFICATE]: place.certificates.certificate,
            [KEY]: place.certificates.key,
          }),
    }),
};

const CADDY: DocumentedProxy = {
  name: "Caddy",
  tool: "caddy",
  start: (place) =>
    startWebServer({
      name: "Caddy",
      files: {},
      configuration: (port) =>
        block("caddyfile", place, {
          "{\n    servers {": "{\n    admin off\n    auto_https disable_redirects\n    servers {",
          // With a name Caddy would ask an authority on the Internet for the certificate.
          "yoursite.com {": place.certificates === undefined
            ? `http://127.0.0.1:${port} {`
            : `https://127.0.0.1:${port} {
    tls ${place.certificates.certificate} ${place.certificates.key}`,
        }),
      command: (configurationFile, folder) => [
        // Caddy keeps what it made, and its last configuration, in the user's folders.
        ...["/usr/bin/env", `XDG_CONFIG_HOME=${folder}`, `XDG_DATA_HOME=${folder}`],
        ...[toolPath("caddy"), "run", "--adapter", "caddyfile", "--config", configurationFile],
      ],
    }),
};

const HAPROXY: DocumentedProxy = {
  name: "HAProxy",
  tool: "haproxy",
  start: (place) => startHaproxy(place),
};

/** HAProxy before two servers, the client listeners of which it checks: with the lines of docs/cluster.md. */
export function startHaproxyBeforeTwo(
  [first, second]: readonly [string, string],
): Promise<WebServer> {
  return startHaproxy({ clientListener: first }, {
    [`server sse1 ${CLIENT_LISTENER}`]: codeBlock(clusterPage, "haproxy"),
    [OTHER_CLIENT_LISTENER]: second,
  });
}

/** @param replacements texts of the block, and what takes their place. */
async function startHaproxy(
  place: ProxyPlace,
  replacements: Readonly<Record<string, string>> = {},
): Promise<WebServer> {
  const bind = "bind :443 ssl crt /etc/haproxy/yoursite.com.pem alpn h2,http/1.1";
  const { cert, key } = place.certificates === undefined
    ? { cert: "", key: "" }
    : await readCertificate(place.certificates);
  return await startWebServer({
    name: "HAProxy",
    files: { "sse-away.http": awayFile("HTTP/1.0 200"), "yoursite.com.pem": cert + key },
    configuration: (port, folder) =>
      block("haproxy", place, {
        [bind]: place.certificates === undefined
          ? `bind 127.0.0.1:${port}`
          : bind.replace(":443", `127.0.0.1:${port}`),
        "/etc/haproxy/": `${folder}/site/`,
        ...replacements,
      }),
    command: (configurationFile) => [toolPath("haproxy"), "-db", "-f", configurationFile],
  });
}

/** What stands in each block for a Unix socket, in the place of the address. */
const SOCKETS: Readonly<Record<string, (path: string) => Readonly<Record<string, string>>>> = {
  apache: (path) => ({ [`http://${CLIENT_LISTENER}`]: `unix:${path}|http://localhost` }),
  nginx: (path) => ({
    [`http://${CLIENT_LISTENER}/`]: `http://unix:${path}:/`,
    [`http://${CLIENT_LISTENER};`]: `http://unix:${path};`,
  }),
  caddyfile: (path) => ({ [CLIENT_LISTENER]: `unix/${path}` }),
  haproxy: (path) => ({ [CLIENT_LISTENER]: `unix@${path}` }),
};

/** The times within which a request must come, and what they are in tests that wait for them to pass. */
const SHORT_TIMES: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  apache: {
    "handshake=10 header=10-20,MinRate=500 body=10,MinRate=500": "handshake=1 header=1 body=1",
  },
  nginx: {
    "client_header_timeout 10s": "client_header_timeout 1s",
    "lingering_time 10s": "lingering_time 1s",
  },
  caddyfile: { "read_header 10s": "read_header 1s", "read_body 10s": "read_body 1s" },
  // The second bounds the handshake, and must be longer than a heartbeat.
  haproxy: { "http-request 10s": "http-request 1s", "client 60s": "client 5s" },
};

/** All proxies of the page. */
export const DOCUMENTED_PROXIES: readonly DocumentedProxy[] = [APACHE, NGINX, CADDY, HAPROXY];

/**
 * A block of the page, with this place in the place of the page's examples, and without the lines that match.
 *
 * @throws {Error} if the block does not have a text that is to be replaced.
 */
function block(
  mark: string,
  { clientListener, pageOrigin = DOCUMENTED_PAGE_ORIGIN, shortTimes = false }: ProxyPlace,
  replacements: Readonly<Record<string, string>>,
  left?: RegExp,
): string {
  let text = codeBlock(page, mark).split("\n").filter((line) => !left?.test(line)).join("\n");
  const all = {
    ...replacements,
    ...listenerIn(mark, clientListener),
    ...shortTimes ? SHORT_TIMES[mark] : {},
    [DOCUMENTED_PAGE_ORIGIN]: pageOrigin,
  };
  for (const [before, after] of Object.entries(all)) {
    if (!text.includes(before)) throw new Error(`the ${mark} block lacks ${before}:\n${text}`);
    text = text.replaceAll(before, after);
  }
  return `${text}\n`;
}

function listenerIn(mark: string, clientListener: string): Readonly<Record<string, string>> {
  const path = /^unix:(.*)/.exec(clientListener)?.[1];
  const socket = path === undefined ? undefined : SOCKETS[mark]?.(path);
  return socket ?? { [CLIENT_LISTENER]: clientListener };
}

function awayFile(start: string): string {
  return `${codeBlock(page, "http", start)}\n`;
}
