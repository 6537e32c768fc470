/** docs/openapi.yaml says of routes, rights and errors what the source has, and is what the control listener serves. */
import * as errors from "../../../src/lib/errors.ts";
import { assert, assertEquals } from "../../support/assert.ts";
import {
  checkDocumented,
  type ListenerName,
  listenersOf,
  operations,
} from "../../support/documented_answers.ts";
import { Listeners } from "../../support/listeners.ts";
import { type DocumentedAnswer, openApiJson, readOpenApi } from "../../support/openapi_document.ts";
import manifest from "../../../deno.json" with { type: "json" };

const LISTENERS: readonly ListenerName[] = ["client", "control"];

const document = await readOpenApi();

/** Every route as `LISTENER METHOD PATH`, with what the source says of it. */
async function routesOf(options: { readonly demoPageKey?: string }) {
  using listeners = await Listeners.make(options);
  return new Map(
    LISTENERS.flatMap((listener) =>
      listeners.routes(listener).flatMap((route) =>
        route.methods.map((method) => [`${listener} ${method} ${route.path}`, route] as const)
      )
    ),
  );
}

/** Every operation as `LISTENER METHOD PATH`. */
function documentedRoutes() {
  return new Map(
    operations().flatMap(([method, path, operation]) =>
      listenersOf(path).map((listener) =>
        [`${listener} ${method} ${path.replace("{name}", ":name")}`, operation] as const
      )
    ),
  );
}

/** Every answer that the document describes, with where and with its status. */
function documentedAnswers(): readonly (readonly [string, number, DocumentedAnswer])[] {
  const described = operations().flatMap(([method, path, { responses }]) =>
    Object.entries(responses).map(([status, answer]) =>
      [`${method} ${path}`, Number(status), answer] as const
    )
  );
  const elsewhere = Object.entries(document["x-errors-elsewhere"])
    .filter(([status]) => status !== "description")
    .map(([status, answer]) => ["elsewhere", Number(status), answer] as const);
  return [...described, ...elsewhere];
}

/** The statuses of every error that is answered, by its name. */
function statusesOfErrors(): ReadonlyMap<string, readonly number[]> {
  const statuses = new Map<string, readonly number[]>();
  for (const value of Object.values(errors)) {
    if (typeof value !== "function" || !(value.prototype instanceof errors.HttpError)) continue;
    // The first argument is a text in all of them; of a token's error it decides on the status.
    const made = ["missing", "revoked"].map((text) => Reflect.construct(value, [text, ""]));
    // The name that the log has: a class may share that of another.
    statuses.set(made[0].name, [...new Set(made.map(({ status }: errors.HttpError) => status))]);
  }
  return statuses;
}

Deno.test("docs/openapi.yaml has every route of both listeners with its methods, and no other", async () => {
  const routes = await routesOf({ demoPageKey: "the key of the demo page" });
  assert(routes.size > 30, `only ${routes.size} routes were found`);
  assertEquals([...documentedRoutes().keys()].toSorted(), [...routes.keys()].toSorted());
});

Deno.test("docs/openapi.yaml names the right that each route needs", async () => {
  const routes = await routesOf({ demoPageKey: "the key of the demo page" });
  const documented = documentedRoutes();
  const rights = [...routes].map(([route, { needs }]) => [route, needs]);
  assertEquals(
    [...routes.keys()].map((route) => [route, documented.get(route)?.["x-needs"]]),
    rights,
  );
});

Deno.test("docs/openapi.yaml says which routes need -dev on the listener that it is about", async () => {
  const always = await routesOf({});
  const withFlag = [...(await routesOf({ demoPageKey: "the key of the demo page" })).keys()]
    .filter((route) => !always.has(route));
  const documented = [...documentedRoutes()]
    .filter(([, operation]) => operation["x-flag"] === "-dev")
    .map(([route]) => route);
  // The path of both pages is documented once; its summary says that one of them needs the flag.
  const pages = ["client GET /", "client HEAD /"];
  assertEquals([...documented, ...pages].toSorted(), withFlag.toSorted());
});

Deno.test("docs/openapi.yaml says which routes of the control listener need no key", async () => {
  using listeners = await Listeners.make({ guard: { keys: [] } });
  for (const [route, { security }] of documentedRoutes()) {
    const [listener, method = "", path = ""] = route.split(" ");
    if (listener !== "control" || method === "OPTIONS") continue;
    const { status } = await listeners.control(path.replace(":name", "x"), { method });
    assertEquals(status === 401, security === undefined, `${route} answered ${status}`);
  }
});

Deno.test("docs/openapi.yaml names every error that is answered at its status, and no other", () => {
  const statuses = statusesOfErrors();
  assert(statuses.size > 15, `only ${statuses.size} errors were found`);
  const named = new Set(
    documentedAnswers().flatMap(([, status, answer]) =>
      (answer["x-errors"] ?? []).map((name) => `${status} ${name}`)
    ),
  );
  const existing = [...statuses].flatMap(([name, all]) => all.map((status) => `${status} ${name}`))
    // Answered with a stream, as any other status would end a browser's EventSource for good.
    .map((error) => error === "503 KeysUnavailable" ? "200 KeysUnavailable" : error);
  assertEquals([...named].toSorted(), existing.toSorted());
});

Deno.test("docs/openapi.yaml names the errors of every answer that is one", () => {
  // A check that fails is no error, and an answer to HEAD tells nothing but its status.
  const isCheck = (route: string, status: number) =>
    status === 503 && ["GET /healthz", "GET /readyz"].includes(route);
  const nameless = documentedAnswers()
    .filter(([, status, answer]) => status >= 400 && answer["x-errors"] === undefined)
    .filter(([route, status]) => !route.startsWith("HEAD ") && !isCheck(route, status));
  assertEquals(nameless.map(([route, status]) => `${route} ${status}`), []);
});

Deno.test("GET /openapi.json answers docs/openapi.yaml as JSON, without a key", async () => {
  using listeners = await Listeners.make({ guard: { keys: [] } });
  const response = await listeners.control("/openapi.json");
  assertEquals(response.status, 200);
  assertEquals(response.headers.get("Content-Type"), "application/json");
  const source = JSON.parse(await openApiJson());
  assert(
    await response.text() === JSON.stringify(source),
    "openapi.json is stale: run deno task docs",
  );
  assertEquals(document.info.version, manifest.version);
});

Deno.test("an answer that docs/openapi.yaml does not name fails the test that gets it", () => {
  const fails = (...asked: Parameters<typeof checkDocumented>) => {
    try {
      checkDocumented(...asked);
      return false;
    } catch {
      return true;
    }
  };
  const plain = (status: number) => new Response("", { status });
  const html = new Response("", { headers: { "Content-Type": "text/html" } });
  assertEquals([
    fails("control", "POST", "/emit?x=1", plain(200)),
    fails("control", "POST", "/emit/", plain(409)),
    fails("control", "GET", "/channels/a%2Fb", plain(404)),
    fails("control", "GET", "/channels/a", html),
    fails("control", "GET", "/emit/", plain(405)),
    fails("control", "GET", "/emit/", plain(200)),
    fails("client", "GET", "/emit/", plain(404)),
    fails("client", "GET", "/emit/", plain(401)),
  ], [false, true, false, true, false, true, false, true]);
});
