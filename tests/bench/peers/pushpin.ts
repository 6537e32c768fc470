import { freePort } from "../../support/ports.ts";
import { findProgram } from "../../support/tools.ts";
import { packageVersion } from "../ask.ts";
import type { Peer } from "./peer.ts";
import { startPeer } from "./started.ts";

/** What its built-in origin answers on the path `/stream`, so that no origin of ours is measured with it. */
const BUILT_IN_CHANNEL = "test";

/** Pushpin, with its own test origin; it asks for no tokens, and that origin has one channel only. */
export const pushpin: Peer = {
  name: "Pushpin",
  absence: () => {
    const missing = ["pushpin", "condure"].find((program) => findProgram(program) === undefined);
    return Promise.resolve(missing === undefined ? undefined : `${missing} is not installed`);
  },
  version: () => packageVersion("pushpin"),
  start: () =>
    startPeer(async (folder) => {
      const client = `127.0.0.1:${freePort()}`;
      const publishPort = freePort();
      const publish = `127.0.0.1:${publishPort}`;
      await folder.write("routes", "* test\n");
      const file = await folder.write(
        "pushpin.conf",
        configuration(client, publishPort, folder.path),
      );
      await Deno.mkdir(folder.join("run"));
      await Deno.mkdir(folder.join("log"));
      return {
        command: [findProgram("pushpin") ?? "", `--config=${file}`],
        // Answered 200 only when all of its processes have found each other.
        probe: { address: client, path: "/stream", status: 200 },
        subscribing: {
          address: client,
          path: "/stream",
          headers: [],
          tokenFile: undefined,
          // More at once and it refuses some, and cuts others later.
          connectWindow: 8,
        },
        publishing: {
          address: publish,
          path: "/publish/",
          contentType: "application/json",
          headers: [],
          body: `{"items":[{"channel":"${BUILT_IN_CHANNEL}","formats":{"http-stream":` +
            `{"content":"data: %T\\n\\n"}}}]}`,
        },
      };
    }),
};

/** The package's settings, with its rate limits raised out of the way. */
function configuration(client: string, publishPort: number, folder: string): string {
  return `
[global]
include={libdir}/internal.conf
rundir=${folder}/run
ipc_prefix=bench-
stats_connection_ttl=120
[runner]
services=condure,pushpin-proxy,pushpin-handler
http_port=${client}
logdir=${folder}/log
log_level=1
client_buffer_size=8192
client_maxconn=12000
[proxy]
routesfile=routes
updates_check=off
sig_key=bench
[handler]
push_in_spec=ipc://{rundir}/{ipc_prefix}publish-pull
push_in_sub_specs=ipc://{rundir}/{ipc_prefix}publish-sub
push_in_sub_connect=false
push_in_http_addr=127.0.0.1
push_in_http_port=${publishPort}
push_in_http_max_headers_size=10000
push_in_http_max_body_size=1000000
stats_spec=ipc://{rundir}/{ipc_prefix}stats
command_spec=ipc://{rundir}/{ipc_prefix}command
message_rate=1000000000
message_hwm=1000000000
stats_format=tnetstring
`;
}
