import { DemoPageAccess } from "../../../src/http/demo_page_access.ts";
import { assertEquals, assertThrows } from "../../support/assert.ts";

const PAGE = new DemoPageAccess({
  key: "page key",
  clientOrigin: "http://box.example:8000",
  hosts: ["dev.example"],
});
const KEY_REFUSED = /^Demo page refused: its key is not the server's\./;

function request(
  path: string,
  headers: Readonly<Record<string, string>> = {},
  method = "POST",
): Request {
  return new Request(`http://127.0.0.1:8001${path}`, { method, headers });
}

function isOrigin(Origin: string, page = PAGE): boolean {
  return page.isOrigin(request("/emit/", { Origin }));
}

Deno.test("the page's origin is a name of this machine with the client listener's port", () => {
  const own = [
    "localhost",
    "127.0.0.1",
    "[::1]",
    "192.168.0.7",
    "[fd00::1]",
    "box.example",
    "dev.example",
  ];
  for (const name of own) assertEquals(isOrigin(`http://${name}:8000`), true, name);
  const foreign = [
    "",
    "null",
    "file://",
    "http://localhost",
    "http://localhost:8001",
    "http://localhost:80000",
    "https://localhost:8000",
    "http://evil.example:8000",
    "http://localhost.evil.example:8000",
    "http://127.0.0.1.evil.example:8000",
    "http://x.dev.example:8000",
    "http://localhost:8000@evil.example",
  ];
  for (const origin of foreign) assertEquals(isOrigin(origin), false, origin);
  assertEquals(PAGE.isOrigin(request("/emit/")), false, "no origin");
});

Deno.test("on port 80 the page's origin names no port", () => {
  const page = new DemoPageAccess({ key: "k", clientOrigin: "http://[::]:80", hosts: [] });
  assertEquals(isOrigin("http://localhost", page), true);
  assertEquals(isOrigin("http://localhost:8000", page), false);
});

Deno.test("the page may emit to its channel and get tokens for it, with its key alone", () => {
  const page = PAGE.check(request("/emit/", { Authorization: "Bearer page key" }));
  assertEquals(page.keyName, "demo page");
  page.requireFor("emit", ["chat"]);
  page.requireFor("token", ["chat"]);
  assertThrows(() => page.requireFor("emit", ["chat", "news"]), /emit/);
  assertThrows(() => page.requireFor("token", ["*"]), /token/);
  for (const right of ["read", "steer"] as const) assertThrows(() => page.require(right), /right/);
  for (const Authorization of ["", "Bearer", "Bearer page keys", "Bearer page", "Basic page key"]) {
    assertThrows(() => PAGE.check(request("/emit/", { Authorization })), KEY_REFUSED);
  }
  assertThrows(() => PAGE.check(request("/emit/")), KEY_REFUSED);
});

Deno.test("a preflight has no key, and no right", () => {
  const asking = PAGE.check(request("/emit/", {}, "OPTIONS"));
  assertThrows(() => asking.require("emit"), /right/);
});
