import { RequestCounts } from "../../../src/http/request_counts.ts";
import { assertEquals } from "../../support/assert.ts";

Deno.test("requests count by route and status, and all without a route as one", () => {
  const counts = new RequestCounts();
  counts.add("/emit/", 200);
  counts.add("/emit/", 200);
  counts.add("/emit/", 400);
  counts.add(undefined, 404);
  counts.add(undefined, 404);
  assertEquals(counts.all, [
    { route: "/emit/", status: 200, requests: 2 },
    { route: "/emit/", status: 400, requests: 1 },
    { route: "other", status: 404, requests: 2 },
  ]);
});
