import { assertEquals } from "../../support/assert.ts";
import { readOrigin } from "../../../src/http/handlers/read_origin.ts";
import { TrustedProxies } from "../../../src/lib/trusted_proxies.ts";

const PROXIES = new TrustedProxies(["10.0.0.0/8"]);

function connectionFrom(hostname: string) {
  return { completed: Promise.resolve(), remoteAddr: { transport: "tcp", hostname } };
}

function requestWith(headers: HeadersInit): Request {
  return new Request("http://127.0.0.1:8000/events/", { headers });
}

Deno.test("a stream comes from its client, through the proxy that connected for it", () => {
  const request = requestWith({ "X-Forwarded-For": "203.0.113.5", "User-Agent": "curl/8" });
  assertEquals(readOrigin({ request, connection: connectionFrom("::ffff:10.0.0.1") }, PROXIES), {
    address: "203.0.113.5",
    proxy: "10.0.0.1",
    userAgent: "curl/8",
  });
  assertEquals(readOrigin({ request, connection: connectionFrom("192.0.2.1") }, PROXIES), {
    address: "192.0.2.1",
    proxy: undefined,
    userAgent: "curl/8",
  });
});

Deno.test("whoever connects to a Unix socket has no address, and is believed only where that is said", () => {
  const connection = { completed: Promise.resolve(), remoteAddr: { transport: "unix" } };
  const request = requestWith({ "X-Forwarded-For": "203.0.113.5, 10.0.0.1", "User-Agent": "u" });
  const through = (...ranges: readonly string[]) =>
    readOrigin({ request, connection }, new TrustedProxies(ranges));
  const userAgent = "u";
  for (const untrusting of [through(), through("10.0.0.0/8"), through("0.0.0.0/0", "::/0")]) {
    assertEquals(untrusting, { address: "unix", proxy: undefined, userAgent });
  }
  assertEquals(through("unix"), { address: "10.0.0.1", proxy: "unix", userAgent });
  assertEquals(through("unix", "10.0.0.1"), { address: "203.0.113.5", proxy: "unix", userAgent });
});

Deno.test("a long user agent is shortened", () => {
  const connection = connectionFrom("192.0.2.1");
  const origin = readOrigin(
    { request: requestWith({ "User-Agent": "x".repeat(9999) }), connection },
    PROXIES,
  );
  assertEquals(origin?.userAgent, "x".repeat(256));
  assertEquals(readOrigin({ request: requestWith({}), connection }, PROXIES)?.userAgent, "");
});

Deno.test("nobody knows where a request without a connection comes from", () => {
  const connection = { completed: Promise.resolve() };
  assertEquals(readOrigin({ request: requestWith({}), connection }, PROXIES), undefined);
});
