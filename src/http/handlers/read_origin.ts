import type { ClientOrigin } from "../../hub/client_origin.ts";
import { ownText } from "../../lib/own_text.ts";
import { SOCKET_PEER, type TrustedProxies } from "../../lib/trusted_proxies.ts";
import type { RoutedRequest } from "../router.ts";

/** Longer ones are made up, and would stay in memory as long as the stream. */
const MAX_USER_AGENT_LENGTH = 256;

/** Where a request comes from; `undefined` where its connection has no address. */
export function readOrigin(
  { request, connection }: Pick<RoutedRequest, "request" | "connection">,
  proxies: TrustedProxies,
): ClientOrigin | undefined {
  const peer = peerOf(connection);
  if (peer === undefined) return undefined;
  const route = proxies.routeFrom(peer, request.headers.get("X-Forwarded-For"));
  return { ...route, userAgent: shortened(request.headers.get("User-Agent") ?? "") };
}

function peerOf({ remoteAddr }: RoutedRequest["connection"]): string | undefined {
  return remoteAddr?.transport === "unix" ? SOCKET_PEER : remoteAddr?.hostname;
}

function shortened(text: string): string {
  if (text.length <= MAX_USER_AGENT_LENGTH) return text;
  return ownText(text.slice(0, MAX_USER_AGENT_LENGTH));
}
