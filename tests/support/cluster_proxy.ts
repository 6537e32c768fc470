/**
 * One proxy in front of several servers, in turn: clients and publishers do not know which they reach.
 *
 * @module
 */
import { startNginx } from "./nginx.ts";
import { toolPath } from "./tools.ts";
import { startWebServer, type WebServer } from "./web_server.ts";

/** A proxy that can stand before a cluster. */
export type ClusterProxy = "nginx" | "haproxy";

/** The listeners of a server, each as host and port. */
export interface Listeners {
  readonly client: string;
  readonly control: string;
}

/**
 * How long an emit may take before the proxy answers 504: longer than a server that waits for Redis
 * takes to answer 503, shorter than the longest that a server is paused.
 */
const CONTROL_TIMEOUT_MS = 2000;

/** A stream that brought nothing for so long, heartbeats neither, is given up. */
const STREAM_TIMEOUT_S = 60;

/**
 * Starts a proxy that takes `/events/` to the client listeners and `/emit/` to the control listeners,
 * and goes on to the next server where one cannot be connected to.
 */
export function startClusterProxy(
  proxy: ClusterProxy,
  servers: readonly Listeners[],
): Promise<WebServer> {
  if (proxy === "nginx") return startNginx({ site: (port) => nginxSite(port, servers) });
  return startWebServer({
    name: "HAProxy",
    files: {},
    configuration: (port) => haproxyConfiguration(port, servers),
    command: (configurationFile) => [toolPath("haproxy"), "-db", "-q", "-f", configurationFile],
  });
}

/** nginx would leave a server that refused a connection alone for 10 seconds: none is away for so long. */
function nginxSite(port: number, servers: readonly Listeners[]): string {
  const upstream = (listener: keyof Listeners) =>
    servers.map((server) => `server ${server[listener]} max_fails=0;`).join(" ");
  return `
upstream clients { ${upstream("client")} }
upstream controls { ${upstream("control")} }
server {
  listen 127.0.0.1:${port};
  proxy_http_version 1.1;
  proxy_set_header Connection "";
  proxy_connect_timeout 1s;
  location /events/ {
    proxy_pass http://clients;
    proxy_read_timeout ${STREAM_TIMEOUT_S}s;
  }
  location /emit/ {
    proxy_pass http://controls;
    # nginx would send the upstream's name, which is none that the server answers to.
    proxy_set_header Host 127.0.0.1;
    proxy_read_timeout ${CONTROL_TIMEOUT_MS}ms;
  }
}`;
}

function haproxyConfiguration(port: number, servers: readonly Listeners[]): string {
  const backend = (listener: keyof Listeners) =>
    servers.map((server, index) => `  server ${listener}${index + 1} ${server[listener]}`)
      .join("\n");
  return `
global
  maxconn 1000
defaults
  mode http
  timeout connect 1s
  timeout client ${STREAM_TIMEOUT_S}s
  timeout server ${STREAM_TIMEOUT_S}s
  retries 3
  option redispatch 1
frontend all
  bind 127.0.0.1:${port}
  use_backend controls if { path_beg /emit/ }
  default_backend clients
backend clients
  balance roundrobin
${backend("client")}
backend controls
  balance roundrobin
  timeout server ${CONTROL_TIMEOUT_MS}ms
${backend("control")}
`;
}
