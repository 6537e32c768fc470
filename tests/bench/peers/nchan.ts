import { findProgram } from "../../support/tools.ts";
import { freePort } from "../../support/ports.ts";
import { packageVersion } from "../ask.ts";
import type { Peer } from "./peer.ts";
import { startPeer } from "./started.ts";
import { CHANNEL } from "./tokens.ts";

const MODULES = ["/usr/lib/nginx/modules", "/usr/share/nginx/modules", "/usr/lib64/nginx/modules"];

/** Nchan, a module of nginx, with one worker; it asks for no tokens. */
export const nchan: Peer = {
  name: "nchan",
  absence: async () => {
    if (findProgram("nginx") === undefined) return "nginx is not installed";
    return await findModule() === undefined ? "libnginx-mod-nchan is not installed" : undefined;
  },
  version: async () =>
    `${await packageVersion("libnginx-mod-nchan")}, ${await packageVersion("nginx")}`,
  start: (subscription) =>
    startPeer(async (folder) => {
      const address = `127.0.0.1:${freePort()}`;
      const channel = subscription.channels === "each" ? "c%N" : CHANNEL;
      const module = await findModule() ?? "";
      const file = await folder.write("nginx.conf", configuration(address, module, folder.path));
      return {
        // Without -e it first tries to open the log file it was built with, which only root may.
        command: [findProgram("nginx") ?? "", "-p", folder.path, "-c", file, "-e", "stderr"],
        probe: { address, path: "/" },
        subscribing: { address, path: `/sub/${channel}`, headers: [], tokenFile: undefined },
        publishing: {
          address,
          path: `/pub/${channel}`,
          contentType: "text/plain",
          headers: [],
          body: "%T",
        },
      };
    }),
};

async function findModule(): Promise<string | undefined> {
  for (const folder of MODULES) {
    const path = `${folder}/ngx_nchan_module.so`;
    try {
      await Deno.stat(path);
      return path;
    } catch {
      // Other distributions keep it elsewhere.
    }
  }
  return undefined;
}

/** Retains as much as this server does by default, and does nothing that it need not do. */
function configuration(address: string, module: string, folder: string): string {
  return `
load_module ${module};
${Deno.uid() === 0 ? "user www-data;" : ""}
daemon off;
worker_processes 1;
worker_rlimit_nofile 20000;
pid "${folder}/nginx.pid";
error_log stderr error;
events { worker_connections 20000; }
http {
  access_log off;
  # nginx would close a publisher's connection after 1000 requests.
  keepalive_requests 1000000000;
  client_body_temp_path "${folder}/client_body";
  proxy_temp_path "${folder}/proxy";
  fastcgi_temp_path "${folder}/fastcgi";
  uwsgi_temp_path "${folder}/uwsgi";
  scgi_temp_path "${folder}/scgi";
  # Enough for 10,000 channels and their messages; with less it refuses messages.
  nchan_shared_memory_size 512m;
  server {
    listen ${address} backlog=4096;
    location ~ ^/pub/(.+)$ {
      nchan_publisher;
      nchan_channel_id $1;
      nchan_message_buffer_length 1000;
      nchan_message_timeout 10m;
    }
    location ~ ^/sub/(.+)$ {
      nchan_subscriber eventsource;
      nchan_channel_id $1;
      nchan_subscriber_first_message newest;
    }
  }
}
`;
}
