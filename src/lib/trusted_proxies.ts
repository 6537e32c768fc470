import { BlockList, isIP } from "node:net";

/** How much of the header is looked at, from its end: some fifty addresses, more than any chain of proxies has. */
const MAX_LENGTH = 2048;

const MAX_KNOWN = 1000;

/** What stands for the other end of a Unix socket, which has no address. */
export const SOCKET_PEER = "unix";

/** The rule that {@link isAddressRange} checks, for messages. */
export const ADDRESS_RANGE_RULE =
  "addresses like 10.0.0.1 or fd00::1, ranges like 10.0.0.0/8, and unix, separated by commas";

/** The way from a client to this server, as far as it can be believed. */
export interface ClientRoute {
  /** The client's address, always in the same form. */
  readonly address: string;
  /** The proxy that connected for it; `undefined` for a client that connected itself. */
  readonly proxy: string | undefined;
}

/** Proxies whose `X-Forwarded-For` is believed, by their addresses. */
export class TrustedProxies {
  readonly #addresses: BlockList | undefined;
  readonly #hasSocket: boolean;
  /** Whether addresses that were looked up are among them: a look-up takes 6 µs, and proxies are few. */
  readonly #known = new Map<string, boolean>();

  /** @param ranges each as `isAddressRange` accepts it; none to believe nobody. */
  constructor(ranges: readonly string[]) {
    this.#hasSocket = ranges.includes(SOCKET_PEER);
    if (ranges.length === 0) return;
    this.#addresses = new BlockList();
    for (const range of ranges.filter((range) => range !== SOCKET_PEER)) {
      const [address = "", prefix] = range.split("/");
      const family = familyOf(address);
      this.#addresses.addSubnet(address, Number(prefix ?? (family === "ipv4" ? 32 : 128)), family);
    }
  }

  /**
   * Finds the client behind a connection: the last address in the header that is not a proxy's. Each proxy
   * adds whom it got the request from at the end, so what comes before that address is what the client made up.
   *
   * @param peer the other end of the connection: an address, or `SOCKET_PEER`.
   * @param forwardedFor `X-Forwarded-For`, its lines joined with commas; null without one. If there is something
   *   else than an address in the place of the client's, the peer counts as the client.
   */
  routeFrom(peer: string, forwardedFor: string | null): ClientRoute {
    const proxy = canonicalAddress(peer) ?? peer;
    const direct = { address: proxy, proxy: undefined };
    if (forwardedFor === null || !this.#has(proxy)) return direct;
    let client: string | undefined;
    for (const hop of hopsFromLast(forwardedFor)) {
      client = canonicalAddress(withoutPort(hop));
      if (client === undefined) return direct;
      if (!this.#has(client)) break;
    }
    return client === undefined ? direct : { address: client, proxy };
  }

  #has(address: string): boolean {
    if (address === SOCKET_PEER) return this.#hasSocket;
    if (this.#addresses === undefined) return false;
    let has = this.#known.get(address);
    if (has === undefined) {
      has = this.#addresses.check(address, familyOf(address));
      if (this.#known.size === MAX_KNOWN) this.#known.clear();
      this.#known.set(address, has);
    }
    return has;
  }
}

/** Whether a text is an IP address, a range in CIDR notation (RFC 4632, RFC 4291), or `SOCKET_PEER`. */
export function isAddressRange(text: string): boolean {
  if (text === SOCKET_PEER) return true;
  const [address = "", prefix = "0", ...rest] = text.split("/");
  const family = isIP(address);
  return family !== 0 && !address.includes("%") && rest.length === 0 &&
    /^[0-9]{1,3}$/.test(prefix) && Number(prefix) <= (family === 4 ? 32 : 128);
}

/**
 * The one form of an IP address: RFC 5952 for IPv6, and IPv4 for an IPv4 address that is written as one of
 * IPv6, as a listener on every address shows it. `undefined` for any other text.
 */
function canonicalAddress(text: string): string | undefined {
  const family = isIP(text);
  // Put together anew, because V8 would keep the whole header as long as a part of it.
  if (family === 4) return text.split(".").map(Number).join(".");
  const host = family === 6 ? URL.parse(`http://[${text}]`)?.hostname : undefined;
  if (host === undefined) return undefined;
  const mapped = /^\[::ffff:([0-9a-f]+):([0-9a-f]+)\]$/.exec(host);
  if (mapped === null) return host.slice(1, -1);
  return mapped.slice(1).map((group) => Number.parseInt(group, 16))
    .flatMap((pair) => [pair >> 8, pair & 0xff]).join(".");
}

function familyOf(address: string): "ipv4" | "ipv6" {
  return address.includes(":") ? "ipv6" : "ipv4";
}

/** The parts of the header, the last first. */
function hopsFromLast(forwardedFor: string): readonly string[] {
  const hops = forwardedFor.slice(-MAX_LENGTH).split(",");
  // The first of them is cut off, and could read as another address.
  if (forwardedFor.length > MAX_LENGTH) hops.shift();
  return hops.map((hop) => hop.trim()).reverse();
}

/** Some proxies write the port too: `192.0.2.1:5678`, `[2001:db8::1]:5678`. */
function withoutPort(hop: string): string {
  const match = /^(?:\[([^\]]*)\]|([^:]*))(?::[0-9]*)?$/.exec(hop);
  return match?.[1] ?? match?.[2] ?? hop;
}
