import { grantsChannel, isPattern, toGrants } from "../../../src/auth/channel_grants.ts";
import { assertEquals } from "../../support/assert.ts";

Deno.test("only a name that ends in * is a pattern", () => {
  assertEquals(["orders.*", "*", "a**"].map(isPattern), [true, true, true]);
  assertEquals(["orders", "*.orders", "a*b", " "].map(isPattern), [false, false, false, false]);
});

Deno.test("names and patterns are kept once each, in their order", () => {
  assertEquals(toGrants(["b", "x.*", "a", "b", "x.*", "*"]), {
    channels: ["b", "a"],
    patterns: ["x.", ""],
  });
});

Deno.test("a channel is granted by its name, or by a pattern that it begins with", () => {
  const grants = toGrants(["news", "orders.*"]);
  for (const channel of ["news", "orders.42", "orders.", "orders.42.items"]) {
    assertEquals(grantsChannel(grants, channel), true, channel);
  }
  for (const channel of ["new", "news.1", "orders", "order.42", "ORDERS.42", ""]) {
    assertEquals(grantsChannel(grants, channel), false, channel);
  }
  assertEquals(grantsChannel(toGrants(["*"]), "anything"), true);
  assertEquals(grantsChannel(toGrants([]), "anything"), false);
  const many = toGrants(Array.from({ length: 100 }, (_, n) => `c${n}`));
  assertEquals([grantsChannel(many, "c99"), grantsChannel(many, "c100")], [true, false]);
});
