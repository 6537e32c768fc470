import { SOCKET_PEER } from "./trusted_proxies.ts";

/** How many groups of an IPv6 address name its /64. */
const NETWORK_GROUPS = 4;

/**
 * What counts as one address where clients are counted: an IPv4 address, or the /64 of an IPv6 address, because
 * whoever has one address of a /64 has all of it. `undefined` for a client on a Unix socket, which has none.
 *
 * @param address in the form of `ClientRoute.address`.
 */
export function networkOf(address: string): string | undefined {
  if (address === SOCKET_PEER) return undefined;
  if (!address.includes(":")) return address;
  const [before = "", after] = address.split("::");
  const first = groupsOf(before);
  const last = groupsOf(after ?? "");
  const zeros = new Array<string>(Math.max(0, 8 - first.length - last.length)).fill("0");
  const network = [...first, ...zeros, ...last].slice(0, NETWORK_GROUPS).join(":");
  return `${network.replace(/(^|:)0(:0)*$/, "")}::/64`;
}

function groupsOf(part: string): readonly string[] {
  return part === "" ? [] : part.split(":");
}
