import { bearerOf } from "../../../src/http/bearer.ts";
import { assertEquals } from "../../support/assert.ts";

function bearer(header?: string): string | undefined {
  const headers = new Headers(header === undefined ? {} : { Authorization: header });
  return bearerOf(new Request("http://127.0.0.1/", { headers }));
}

Deno.test("what follows Bearer is taken, whatever its case and its spaces", () => {
  for (const header of ["Bearer a.b-c=", "bearer a.b-c=", "BEARER   a.b-c=  "]) {
    assertEquals(bearer(header), "a.b-c=", header);
  }
  assertEquals(bearer("Bearer a b"), "a b", "refused later, as a whole");
});

Deno.test("another scheme, or none, is no bearer", () => {
  for (
    const header of [undefined, "", "Bearer", "Bearer ", "Basic Zm9v", "Bearerx y", "x Bearer y"]
  ) {
    assertEquals(bearer(header), undefined, header);
  }
});
