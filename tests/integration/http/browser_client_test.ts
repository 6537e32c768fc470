/** `/client.js`: what a browser, its cache and a page of another origin are told. */
import { assert, assertEquals, assertMatch } from "../../support/assert.ts";
import { Listeners } from "../../support/listeners.ts";
import { PROJECT_ROOT } from "../../support/server_command.ts";

const MOST_BYTES = 4096;

const source = await Deno.readTextFile(`${PROJECT_ROOT}src/client/client.js`);

function get(listeners: Listeners, headers: HeadersInit = {}, method = "GET"): Promise<Response> {
  return listeners.client("/client.js", { method, headers });
}

async function unzip(response: Response): Promise<string> {
  assert(response.body);
  return await new Response(response.body.pipeThrough(new DecompressionStream("gzip"))).text();
}

Deno.test("the client is the file of the repository, as a module that caches keep", async () => {
  using listeners = await Listeners.make();
  const response = await get(listeners);
  assertEquals(await response.text(), source);
  assertEquals(response.status, 200);
  assertEquals(response.headers.get("Content-Type"), "text/javascript; charset=utf-8");
  assertEquals(response.headers.get("Cache-Control"), "public, max-age=3600");
  const head = await get(listeners, {}, "HEAD");
  assertEquals(await head.text(), "");
  assertEquals(head.headers.get("ETag"), response.headers.get("ETag"));
});

Deno.test("where gzip is accepted, the client comes in less than 4 KB", async () => {
  using listeners = await Listeners.make();
  const accepted = ["gzip", "deflate, GZIP;q=0.5, br", "br,gzip ; q=1"];
  for (const header of accepted) {
    const response = await get(listeners, { "Accept-Encoding": header });
    assertEquals(response.headers.get("Content-Encoding"), "gzip", header);
    assertEquals(response.headers.get("Vary"), "Accept-Encoding");
    const bytes = (await response.clone().arrayBuffer()).byteLength;
    assert(bytes < MOST_BYTES, `${bytes} bytes`);
    assertEquals(await unzip(response), source);
  }
  for (const header of ["br", "gzip;q=0", "gzip; q=0.00, br", "xgzip"]) {
    const response = await get(listeners, { "Accept-Encoding": header });
    assertEquals(response.headers.get("Content-Encoding"), null, header);
    assertEquals(await response.text(), source);
  }
});

Deno.test("a cache that has the client is told so, by a strong tag of each form", async () => {
  using listeners = await Listeners.make();
  const plain = (await get(listeners)).headers.get("ETag") ?? "";
  const gzip = { "Accept-Encoding": "gzip" };
  const gzipped = (await get(listeners, gzip)).headers.get("ETag") ?? "";
  assertMatch(plain, /^"[\w-]{43}"$/);
  assertMatch(gzipped, /^"[\w-]{43}-gzip"$/);
  const known = [{ "If-None-Match": plain }, { "If-None-Match": `"old", W/${plain}` }, {
    "If-None-Match": "*",
  }, { ...gzip, "If-None-Match": gzipped }];
  for (const headers of known) {
    const response = await get(listeners, headers);
    assertEquals([response.status, await response.text()], [304, ""], JSON.stringify(headers));
    assertMatch(response.headers.get("ETag") ?? "", /^"/);
  }
  for (const tag of ['"old"', gzipped]) {
    assertEquals((await get(listeners, { "If-None-Match": tag })).status, 200);
  }
});

Deno.test("a page of a listed origin may import the client, and caches tell origins and forms apart", async () => {
  using listeners = await Listeners.make({ corsOrigins: ["https://app.example"] });
  const response = await get(listeners, { Origin: "https://app.example" });
  assertEquals(response.headers.get("Access-Control-Allow-Origin"), "https://app.example");
  assertEquals(response.headers.get("Vary"), "Accept-Encoding, Origin");
  const other = await get(listeners, { Origin: "https://evil.example" });
  assertEquals(other.headers.get("Access-Control-Allow-Origin"), null);
});
