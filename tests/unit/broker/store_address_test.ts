import { describeStore, parseStore, type StoreAddress } from "../../../src/broker/store_address.ts";
import { assert, assertEquals, assertMatch } from "../../support/assert.ts";

function redis(text: string): StoreAddress & { readonly kind: "redis" } {
  const store = parseStore(text);
  assert(typeof store !== "string" && store.kind === "redis", `${text}: ${store}`);
  return store;
}

/** The message for a refused text. */
function refusal(text: string): string {
  const store = parseStore(text);
  assert(typeof store === "string", `${text} was accepted`);
  return store;
}

Deno.test("memory is the memory store, and sqlite: is followed by a file", () => {
  assertEquals(parseStore("memory"), { kind: "memory" });
  for (const file of ["x.db", "/var/lib/sse/x.db", "C:\\x.db", "sqlite:x", ":memory:", " "]) {
    assertEquals(parseStore(`sqlite:${file}`), { kind: "sqlite", file });
  }
});

Deno.test("a Redis URL names host, port, TLS and database, and has defaults for all but the host", () => {
  const local = { kind: "redis" as const, host: "db", port: 6379, tls: false, database: 0 };
  const anyone = { user: undefined, password: undefined };
  assertEquals(parseStore("redis://db"), { ...local, ...anyone });
  assertEquals(parseStore("redis://db/"), { ...local, ...anyone });
  assertEquals(parseStore("rediss://db:1/15"), {
    ...local,
    ...anyone,
    port: 1,
    tls: true,
    database: 15,
  });
  assertEquals(redis("redis://[::1]:7000").host, "::1");
});

Deno.test("user and password are decoded, and each may be left out", () => {
  const who = (text: string) => [redis(text).user, redis(text).password];
  assertEquals(who("redis://sse:p%40%3A%2F%23%3F%25@db"), ["sse", "p@:/#?%"]);
  assertEquals(who("redis://:only@db"), [undefined, "only"]);
  assertEquals(who("redis://sse@db"), ["sse", undefined]);
});

Deno.test("a text that is no store is refused with the right form, and without a password in it", () => {
  for (const text of ["", "Memory", "disk", "sqlite", "sqlite:", "http://db", "db:6379"]) {
    assertMatch(refusal(text), /^memory, sqlite:FILE or redis:\/\//, text);
  }
  const wrong = [
    "redis://",
    "redis://:hunter2@",
    "redis://db/x",
    "redis://db/0/1",
    "redis://db?a=b",
  ];
  for (const text of [...wrong, "redis://:hunter2#x@db", "redis://:100%@db", "redis+unix:///x"]) {
    assertMatch(refusal(text), /^redis:\/\/\[USER:PASSWORD@\]HOST/, text);
    assert(!refusal(text).includes("hunter2"), text);
  }
});

Deno.test("Cluster and Sentinel are refused by name, in any spelling", () => {
  const clusters = ["redis-cluster://a", "redis+sentinel://a/b", "REDIS-SENTINEL://a"];
  for (const text of [...clusters, "redis://a:1,b:2", "rediss://:hunter2@a,b/0"]) {
    assertMatch(refusal(text), /Cluster and Sentinel are not supported/, text);
    assert(!refusal(text).includes("hunter2"), text);
  }
});

Deno.test("a store is described without its user and password", () => {
  const described = (text: string) => {
    const store = parseStore(text);
    assert(typeof store !== "string");
    return describeStore(store, "sse:");
  };
  assertEquals(described("memory"), "memory");
  assertEquals(described("sqlite:/x/y.db"), "sqlite:/x/y.db");
  assertEquals(described("redis://sse:hunter2@db/3"), "redis://db:6379/3 sse:*");
  assertEquals(described("rediss://[::1]:7000"), "rediss://[::1]:7000/0 sse:*");
});
