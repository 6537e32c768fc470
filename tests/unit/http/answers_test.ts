import { answer, answerError, toHttpError, wantsJson } from "../../../src/http/answers.ts";
import * as errors from "../../../src/lib/errors.ts";
import { createLogger } from "../../../src/observability/logger.ts";
import { assertEquals, assertMatch } from "../../support/assert.ts";

const JSON_TYPE = { Accept: "application/json" };

function loggerTo(lines: string[]) {
  return createLogger("debug", () => 0, (line) => lines.push(line));
}

function request(headers: Readonly<Record<string, string>> = {}): Request {
  return new Request("http://127.0.0.1/", { headers });
}

Deno.test("an answer is text or JSON, and may not be stored by anyone between", async () => {
  const text = answer(200, "é\n");
  assertEquals([text.status, await text.text()], [200, "é\n"]);
  assertEquals(text.headers.get("Content-Type"), "text/plain; charset=utf-8");
  const json = answer(418, { a: 1 }, { "X-More": "1" });
  assertEquals([json.status, await json.json()], [418, { a: 1 }]);
  assertEquals(json.headers.get("Content-Type"), "application/json");
  assertEquals(json.headers.get("X-More"), "1");
  for (const one of [text, json]) assertEquals(one.headers.get("Cache-Control"), "no-store");
});

Deno.test("JSON is for those who ask for it", () => {
  assertEquals(wantsJson(request()), false);
  assertEquals(wantsJson(request({ Accept: "*/*" })), false);
  assertEquals(wantsJson(request({ Accept: "text/html, application/json;q=0.9" })), true);
});

Deno.test("each error that is meant for clients has its status, its headers and its message", async () => {
  const cases: readonly [error: errors.HttpError, status: number, header?: [string, string]][] = [
    [new errors.BadField("f", "Bad field f."), 400],
    [new errors.BadBody("Bad."), 400],
    [new errors.TokenRefused("missing", "Gone."), 401, [
      "WWW-Authenticate",
      'Bearer realm="events"',
    ]],
    [new errors.TokenRefused("expired", "Gone."), 401, [
      "WWW-Authenticate",
      'Bearer realm="events", error="invalid_token", error_description="Gone."',
    ]],
    [new errors.ControlKeyRefused("No."), 401, ["WWW-Authenticate", 'Bearer realm="control"']],
    [new errors.ControlForbidden("No."), 403],
    [new errors.NotFound("No."), 404],
    [new errors.MethodNotAllowed("GET, HEAD"), 405, ["Allow", "GET, HEAD"]],
    [new errors.TooLarge("Large."), 413],
    [new errors.UnsupportedContentType("No."), 415],
    [new errors.KeyReused("No."), 422],
    [new errors.StoreUnavailable("Down."), 503, ["Retry-After", "1"]],
  ];
  const lines: string[] = [];
  for (const [error, status, [header, value] = ["Content-Type", "application/json"]] of cases) {
    const plain = answerError(error, request(), loggerTo(lines));
    assertEquals([plain.status, await plain.text()], [status, `${error.message}\n`], error.name);
    const json = answerError(error, request(JSON_TYPE), loggerTo(lines));
    assertEquals([json.status, await json.json()], [status, { error: error.message }]);
    assertEquals(json.headers.get(header), value);
  }
  assertEquals(lines, []);
});

Deno.test("any other error is 500 without its details, which only the log has", async () => {
  for (const error of [new TypeError("inner workings"), new errors.StartError("x"), "a text"]) {
    const lines: string[] = [];
    const response = answerError(error, request(), loggerTo(lines));
    assertEquals(response.status, 500);
    assertEquals(await response.text(), "Internal error: see the server's log.\n");
    assertEquals(lines.length, 1);
    assertMatch(lines[0] ?? "", / error request failed error=/);
    assertEquals(lines[0]?.includes(errors.reasonOf(error)), true);
  }
});

Deno.test("an error that is meant for clients stays the one it is", () => {
  const error = new errors.TooLarge("Large.");
  assertEquals(toHttpError(error, loggerTo([])), error);
});
