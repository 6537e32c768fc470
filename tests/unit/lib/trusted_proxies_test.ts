import { assert, assertEquals } from "../../support/assert.ts";
import { isAddressRange, TrustedProxies } from "../../../src/lib/trusted_proxies.ts";
import { type SeededRandom, withSeeds } from "../../support/seeded_random.ts";

const PROXIES = new TrustedProxies(["10.0.0.0/8", "192.0.2.7", "fd00::/8", "::1"]);

function routeFrom(peer: string, forwardedFor: string | null) {
  const { address, proxy } = PROXIES.routeFrom(peer, forwardedFor);
  return proxy === undefined ? address : `${address} through ${proxy}`;
}

Deno.test("a client that connects itself is where its connection comes from, whatever it sends", () => {
  for (const forged of [null, "198.51.100.1", "10.0.0.1", "nonsense"]) {
    assertEquals(routeFrom("203.0.113.5", forged), "203.0.113.5");
    assertEquals(new TrustedProxies([]).routeFrom("10.1.2.3", forged), {
      address: "10.1.2.3",
      proxy: undefined,
    });
  }
});

Deno.test("behind trusted proxies the client is the last address that is none of theirs", () => {
  assertEquals(routeFrom("10.1.2.3", "203.0.113.5"), "203.0.113.5 through 10.1.2.3");
  assertEquals(
    routeFrom("10.1.2.3", "198.51.100.1, 203.0.113.5, 192.0.2.7,10.9.9.9"),
    "203.0.113.5 through 10.1.2.3",
  );
  assertEquals(routeFrom("::1", "2001:DB8:0::1"), "2001:db8::1 through ::1");
  // A client inside: the first of the proxies' own addresses.
  assertEquals(routeFrom("10.1.2.3", "10.4.4.4, 10.5.5.5"), "10.4.4.4 through 10.1.2.3");
});

Deno.test("a proxy that sends no address is the client itself", () => {
  for (
    const header of [
      null,
      "",
      "unknown",
      "_hidden",
      "203.0.113.5, ",
      "203.0.113.5,x",
      "1.2.3",
      "::g",
    ]
  ) {
    assertEquals(routeFrom("10.1.2.3", header), "10.1.2.3");
  }
});

Deno.test("an IPv4 address is the same however it is written", () => {
  assertEquals(routeFrom("::ffff:203.0.113.5", null), "203.0.113.5");
  assertEquals(routeFrom("::ffff:10.1.2.3", "::ffff:cb00:7105"), "203.0.113.5 through 10.1.2.3");
  const mapped = new TrustedProxies(["::ffff:10.0.0.0/104"]);
  assertEquals(mapped.routeFrom("10.1.2.3", "203.0.113.5").address, "203.0.113.5");
});

Deno.test("an address may come with a port, as some proxies send it", () => {
  assertEquals(routeFrom("10.1.2.3", "203.0.113.5:4711"), "203.0.113.5 through 10.1.2.3");
  assertEquals(routeFrom("10.1.2.3", "[2001:db8::1]:4711"), "2001:db8::1 through 10.1.2.3");
  assertEquals(routeFrom("10.1.2.3", "[2001:db8::1]"), "2001:db8::1 through 10.1.2.3");
});

Deno.test("a header of any length is no harm, and no address is read out of the middle of one", () => {
  assertEquals(routeFrom("10.1.2.3", "9".repeat(60_000)), "10.1.2.3");
  const hops = `${"x,".repeat(30_000)}203.0.113.5`;
  assertEquals(routeFrom("10.1.2.3", hops), "203.0.113.5 through 10.1.2.3");
  for (let length = 2000; length < 2100; length++) {
    const route = routeFrom("10.1.2.3", `203.0.113.5${",10.1.1.1".repeat(length / 9)}`);
    assert(/^(203\.0\.113\.5|10\.1\.1\.1) through/.test(route), route);
  }
});

Deno.test("however many addresses come, each counts as what it is", () => {
  for (let n = 0; n < 2500; n++) {
    const end = `${n >> 8}.${n & 255}`;
    assertEquals(routeFrom("10.1.2.3", `10.7.${end}`), `10.7.${end} through 10.1.2.3`);
    assertEquals(routeFrom(`203.0.${end}`, "198.51.100.1"), `203.0.${end}`);
  }
});

Deno.test("ranges are addresses, or addresses with the bits of a prefix", () => {
  for (
    const good of [
      "10.0.0.1",
      "10.0.0.0/8",
      "0.0.0.0/0",
      "1.2.3.4/32",
      "::1",
      "fd00::/8",
      "::/0",
      "unix",
    ]
  ) {
    assert(isAddressRange(good), good);
  }
  for (
    const bad of [
      "",
      "/8",
      "10.0.0.0/",
      "10.0.0.0/33",
      "10.0.0.0/8/8",
      "10.0.0/8",
      "10.0.0.0/-1",
      "10.0.0.0/1e1",
      "010.0.0.1",
      "::1/129",
      "[::1]",
      "fe80::1%eth0",
      "localhost",
      "*",
    ]
  ) {
    assert(!isAddressRange(bad), bad);
  }
});

Deno.test("nobody can choose the address that they count as: what a client sends comes before what proxies add", async () => {
  await withSeeds(200, (random) => Promise.resolve(forge(random)));
});

function forge(random: SeededRandom): void {
  const outside = () => `203.0.113.${random.between(0, 255)}`;
  const inside = () => random.pick([`10.${random.between(0, 255)}.3.4`, "192.0.2.7", "fd12::5"]);
  const made = () =>
    random.pick([
      outside(),
      inside(),
      "",
      "garbage",
      "::ffff:1.2.3.4",
      "x".repeat(3000),
      "1.2.3.4:5",
    ]);
  const forged = Array.from({ length: random.between(0, 6) }, made);
  const client = outside();
  const hops = Array.from({ length: random.between(1, 5) }, inside);
  // Each proxy adds whom it got the request from; the last one connects.
  const header = [...forged, client, ...hops.slice(0, -1)].join(random.pick([",", ", "]));
  const peer = hops.at(-1) ?? "";
  assertEquals(PROXIES.routeFrom(peer, header), { address: client, proxy: peer });
  // Somebody who comes past the proxies counts as who they are.
  assertEquals(PROXIES.routeFrom(client, header), { address: client, proxy: undefined });
}
