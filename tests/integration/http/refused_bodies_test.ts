import { assertEquals, assertMatch } from "../../support/assert.ts";
import { Listeners } from "../../support/listeners.ts";

const FORM = "application/x-www-form-urlencoded";

Deno.test("each refused body has its status and its reason, and nothing is sent to anyone", async () => {
  using listeners = await Listeners.make({ maxPayloadBytes: 100 });
  await using stream = await listeners.open();
  const fields = { userId: "*", channel: "chat", payload: "data: no" };
  const big = { ...fields, payload: `data: ${"é".repeat(48)}` };
  const cases: readonly [type: string, body: string, status: number][] = [
    [FORM, new URLSearchParams(big).toString(), 413],
    ["application/json", JSON.stringify(big), 413],
    ["application/json", `{"x":"${"y".repeat(70_000)}"}`, 413],
    ["text/plain", "payload=data: no", 415],
    ["application/json", "{", 400],
    ["multipart/form-data", "x", 400],
    ["application/json", `{"data":${"[".repeat(600)}${"]".repeat(600)}}`, 400],
    [FORM, "a=1&".repeat(1001), 413],
  ];
  for (const [type, body, status] of cases) {
    for (const Accept of ["*/*", "application/json"]) {
      const headers = { "Content-Type": type, Accept };
      const response = await listeners.control("/emit/", { method: "POST", body, headers });
      assertEquals(response.status, status);
      const text = await response.text();
      if (Accept === "*/*") assertMatch(text, /^[A-Z][^\n]*\.\n$/);
      else assertMatch(text, /^\{"error":"[A-Z].*\."\}$/);
    }
  }
  const fits = { ...fields, payload: `data: ${"é".repeat(47)}` };
  assertEquals((await listeners.post("/emit/", fits)).status, 200);
  await stream.until(/é\nid: .*\n\n$/);
  assertEquals(stream.text.includes("data: no"), false);
});

Deno.test("a content type that is not supported is answered with those of the route", async () => {
  using listeners = await Listeners.make();
  for (
    const [path, types] of [
      ["/emit/", /multipart\/form-data, application\/json or application\/x-ndjson\.\n$/],
      ["/revoke/", /multipart\/form-data or application\/json\.\n$/],
    ] as const
  ) {
    const init = { method: "POST", body: "x", headers: { "Content-Type": "text/plain" } };
    assertMatch(await (await listeners.control(path, init)).text(), types);
  }
});
