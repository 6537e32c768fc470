import type { Clock } from "../lib/clock.ts";
import { type Config, hasControlKeys, hasKeys } from "../config/config.ts";
import type { Server } from "../server/server.ts";

const TOKEN_LIFETIME_SECONDS = 86_400;

/**
 * The text that `-dev` prints: the server's addresses, that of the demo page with its key, a valid
 * token, and two commands to paste.
 */
export async function announceDevelopment(
  server: Server,
  config: Config,
  clock: Clock,
): Promise<string> {
  const client = reachable(server.clientOrigin);
  const control = reachable(`http://${server.controlAddress}`);
  const key = hasControlKeys(config) ? ` -H "Authorization: Bearer $SSE_CONTROL_KEY"` : "";
  const addresses = `
Clients connect to  ${client}/events/
Back ends post to   ${control}/emit/ and ${control}/token/
Try it in a browser ${client}/#${server.demoPageKey}
`;
  if (!server.tokens.canSign) return addresses;
  const request = { user: "alex", channels: ["chat"], lifetime: TOKEN_LIFETIME_SECONDS };
  const token = await server.tokens.sign(request, clock.wall() / 1000);
  return `${addresses}
A token for user alex on channel chat, good ${validity(config)}:
${token}

Listen in one terminal:
curl -N -H "Authorization: Bearer ${token}" ${client}/events/

Emit from another:
curl${key} -d userId=alex -d channel=chat --data-urlencode "data=Hello from the back end" ${control}/emit/
`;
}

/** How long the token is valid: a random secret ends with the server. */
function validity({ tokenKeys }: Config): string {
  return hasKeys(tokenKeys) ? "for 24 hours" : "until the server stops, for 24 hours at most";
}

/** Replaces a host that stands for every interface by one that clients can connect to. */
function reachable(origin: string): string {
  return origin.replace(/\/\/(\[::\]|0\.0\.0\.0):/, "//localhost:");
}
