import {
  formatAddress,
  isIpAddress,
  isLoopback,
  isPrivate,
  parseAddress,
  showAddress,
} from "../../../src/lib/address.ts";
import { assertEquals, assertThrows } from "../../support/assert.ts";

Deno.test("every way to write an address is understood", () => {
  const cases: readonly [text: string, host: string | undefined, port: number][] = [
    [":8000", undefined, 8000],
    [":0", undefined, 0],
    ["127.0.0.1:8000", "127.0.0.1", 8000],
    ["0.0.0.0:80", "0.0.0.0", 80],
    ["[::1]:8000", "::1", 8000],
    ["[::]:65535", "::", 65535],
    ["[::ffff:127.0.0.1]:1", "::ffff:127.0.0.1", 1],
    ["localhost:8000", "localhost", 8000],
    ["sse.example.com:443", "sse.example.com", 443],
  ];
  for (const [text, host, port] of cases) {
    assertEquals(parseAddress(text, "-bind", 0o600), { host, port }, text);
  }
});

Deno.test("a Unix socket is a path, with permissions if they are given", () => {
  const cases: readonly [text: string, path: string, mode: number][] = [
    ["unix:/run/sse/events.sock", "/run/sse/events.sock", 0o600],
    ["unix:events.sock,mode=666", "events.sock", 0o666],
    ["unix:/a b:c.sock,mode=0660", "/a b:c.sock", 0o660],
  ];
  for (const [text, path, mode] of cases) {
    assertEquals(parseAddress(text, "-bind", 0o600), { path, mode }, text);
  }
});

Deno.test("a text that is no address is refused with its source, the text and the right form", () => {
  const bad = [
    "",
    "8000",
    "localhost",
    "localhost:",
    ":",
    ":65536",
    ":123456",
    ":-1",
    ":80x",
    ": 80",
    "::1:8000",
    "[::1]",
    "[]:80",
    "[::1:80",
    "[localhost]:80",
    "http://localhost:80",
    "a b:80",
    "localhost:80/",
    "unix:",
    "unix:/run/sse.sock,mode=abc",
    "unix:/run/sse.sock,mode=888",
    "unix:/run/sse.sock,mode=66",
    "unix:/run/sse.sock,user=www",
  ];
  for (const text of bad) {
    assertThrows(
      () => parseAddress(text, "SSE_BIND", 0o600),
      /^Bad address in SSE_BIND: ".*"\. Write it like :8000, .*\[::1\]:8000/,
    );
  }
});

Deno.test("an address is shown as it would be written, with brackets around IPv6", () => {
  for (const text of ["127.0.0.1:8000", "[::1]:8000", "localhost:8000"]) {
    assertEquals(showAddress(parseAddress(text, "-bind", 0o600), "::"), text);
  }
  assertEquals(showAddress({ host: undefined, port: 80 }, "::"), "[::]:80");
  assertEquals(showAddress({ path: "/run/sse.sock", mode: 0o600 }, "::"), "unix:/run/sse.sock");
  assertEquals(formatAddress("", 8000), ":8000");
});

Deno.test("only addresses that no other machine can reach count as loopback", () => {
  for (const host of ["localhost", "127.0.0.1", "127.9.8.7", "::1"]) {
    assertEquals(isLoopback(host), true, host);
  }
  const others = [
    undefined,
    "",
    "0.0.0.0",
    "::",
    "10.0.0.1",
    "127.0.0.1.evil.example",
    "localhost.evil.example",
    "evil-127.0.0.1",
    "128.0.0.1",
    "127.1",
  ];
  for (const host of others) {
    assertEquals(isLoopback(host), false, String(host));
    assertEquals(isPrivate({ host, port: 80 }), false, String(host));
  }
  assertEquals(isPrivate({ path: "/run/sse.sock", mode: 0o666 }), true);
});

Deno.test("IP addresses are distinguished from names", () => {
  for (const host of ["10.0.0.1", "::", "fe80::1"]) assertEquals(isIpAddress(host), true, host);
  for (const host of ["example.com", "10.0.0.1.nip.io", "localhost", ""]) {
    assertEquals(isIpAddress(host), false, host);
  }
});
