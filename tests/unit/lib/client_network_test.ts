import { assertEquals } from "../../support/assert.ts";
import { networkOf } from "../../../src/lib/client_network.ts";
import { TrustedProxies } from "../../../src/lib/trusted_proxies.ts";

/** As a client's address comes to be counted. */
function networkFrom(peer: string): string | undefined {
  return networkOf(new TrustedProxies([]).routeFrom(peer, null).address);
}

Deno.test("an IPv4 address counts as itself, also if it is written as one of IPv6", () => {
  for (const peer of ["192.0.2.1", "::ffff:192.0.2.1", "::FFFF:C000:0201"]) {
    assertEquals(networkFrom(peer), "192.0.2.1");
  }
});

Deno.test("all of a /64 counts as one address, however it is written", () => {
  const networks: Readonly<Record<string, readonly string[]>> = {
    "2001:db8:1:2::/64": [
      "2001:db8:1:2::",
      "2001:db8:1:2::1",
      "2001:DB8:0001:2:0:0:0:1",
      "2001:db8:1:2:ffff:ffff:ffff:ffff",
      "2001:db8:1:2:3::4",
    ],
    "2001:db8:1::/64": ["2001:db8:1::", "2001:db8:1::1", "2001:db8:1:0:5:6:7:8"],
    "2001:0:0:2::/64": ["2001:0:0:2::1", "2001::2:3:4:5:6"],
    "0:0:0:2::/64": ["::2:3:4:5:6", "0:0:0:2::"],
    "fe80::/64": ["fe80::1", "fe80::1:2:3:4"],
    "::/64": ["::1", "::"],
  };
  for (const [network, addresses] of Object.entries(networks)) {
    for (const address of addresses) assertEquals(networkFrom(address), network, address);
  }
});

Deno.test("a client on a Unix socket has no address", () => {
  assertEquals(networkFrom("unix"), undefined);
});
