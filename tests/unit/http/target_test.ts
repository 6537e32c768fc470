import { authorityOf, targetOf } from "../../../src/http/target.ts";
import { assertEquals } from "../../support/assert.ts";

function target(url: string): readonly [path: string, query: string | undefined] {
  const { path, query } = targetOf(new Request(url));
  return [path, query?.toString()];
}

Deno.test("a target is its path as it was sent, and its query", () => {
  assertEquals(target("http://h/emit/"), ["/emit/", undefined]);
  assertEquals(target("http://h:80"), ["/", undefined]);
  assertEquals(target("http://h/a%2Fb%20//c"), ["/a%2Fb%20//c", undefined]);
  assertEquals(target("http://h/e?a=1&a=%2F&b=?/"), ["/e", "a=1&a=%2F&b=%3F%2F"]);
  assertEquals(target("http://h/e?"), ["/e", ""]);
});

Deno.test("the authority is the host with its port, as the URL names them", () => {
  for (const authority of ["localhost:8001", "[::1]:8001", "sse.example"]) {
    assertEquals(authorityOf(new Request(`http://${authority}/a?b=http://c/`)), authority);
  }
});
