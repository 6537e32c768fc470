import { ControlRights, type Right } from "../../../src/auth/control_rights.ts";
import { Caller } from "../../../src/http/caller.ts";
import { type Route, Router } from "../../../src/http/router.ts";
import { ControlForbidden } from "../../../src/lib/errors.ts";
import { createLogger } from "../../../src/observability/logger.ts";
import { assert, assertEquals } from "../../support/assert.ts";

const silent = createLogger("error", () => 0, () => {});

function named(path: string, ...methods: string[]): Route {
  return { path, methods, handle: ({ name }) => new Response(`${path} ${methods} ${name}`) };
}

const routes = [
  named("/emit/", "POST"),
  named("/healthz", "GET", "HEAD"),
  named("/channels/", "GET"),
  named("/channels/:name", "GET"),
  named("/channels/:name", "DELETE", "PUT"),
  named("/channels/:name/history", "DELETE"),
];

function makeRouter(more: Partial<ConstructorParameters<typeof Router>[0]> = {}): Router {
  return new Router({ routes, notFound: () => "try elsewhere", logger: silent, ...more });
}

async function ask(router: Router, path: string, method = "GET"): Promise<Response> {
  return await router.handle(new Request(`http://127.0.0.1:8001${path}`, { method }));
}

async function textOf(path: string, method = "GET"): Promise<string> {
  return await (await ask(makeRouter(), path, method)).text();
}

Deno.test("a path that ends in a slash is served without it too, and no other is with one", async () => {
  assertEquals(await textOf("/emit/", "POST"), "/emit/ POST ");
  assertEquals(await textOf("/emit?x=/", "POST"), "/emit/ POST ");
  assertEquals(await textOf("/healthz"), "/healthz GET,HEAD ");
  for (
    const path of ["/healthz/", "/", "/emit//", "/emit/x", "/EMIT/", "//emit/", "/channels/a/"]
  ) {
    const response = await ask(makeRouter(), path, "POST");
    const text = `Not found: ${path} is not served here: try elsewhere.\n`;
    assertEquals([response.status, await response.text()], [404, text]);
  }
});

Deno.test("the second segment may be a name, which is percent-decoded", async () => {
  assertEquals(await textOf("/channels/"), "/channels/ GET ");
  assertEquals(await textOf("/channels/chat?x=1"), "/channels/:name GET chat");
  assertEquals(await textOf("/channels/a%2Fb%20%C3%A9"), "/channels/:name GET a/b é");
  assertEquals(await textOf("/channels/chat", "PUT"), "/channels/:name DELETE,PUT chat");
  assertEquals(
    await textOf("/channels/a%2Fb/history", "DELETE"),
    "/channels/:name/history DELETE a/b",
  );
  for (const path of ["/channels/%zz", "/channels/%ff", "/channels//"]) {
    assertEquals((await ask(makeRouter(), path)).status, 404, path);
  }
});

Deno.test("a method that a path does not have is told all that it has", async () => {
  for (
    const [path, allow] of [
      ["/emit", "POST"],
      ["/healthz", "GET, HEAD"],
      ["/channels/x", "GET, DELETE, PUT"],
    ] as const
  ) {
    const response = await ask(makeRouter(), path, "PATCH");
    assertEquals([response.status, response.headers.get("Allow")], [405, allow]);
    assertEquals(await response.text(), `Method not allowed: use ${allow}.\n`);
  }
});

Deno.test("the guard comes first, and what it throws is the answer", async () => {
  const guard = () => {
    throw new ControlForbidden("Refused.");
  };
  for (const path of ["/emit/", "/nowhere"]) {
    const response = await ask(makeRouter({ guard }), path);
    assertEquals([response.status, await response.text()], [403, "Refused.\n"]);
  }
});

Deno.test("a route is reached by callers who have the right that it needs", async () => {
  const [read, steer, stranger] = [
    ...["read", "steer"].map((word) => {
      const rights = ControlRights.parse([word]);
      assert(typeof rights !== "string");
      return new Caller(word, () => rights);
    }),
    undefined,
  ];
  let asked = 0;
  const route = (method: string, needs: Right | undefined): Route => ({
    path: "/channels/:name",
    methods: [method],
    needs,
    handle: () => new Response(String(++asked)),
  });
  const routes = [route("GET", "read"), route("DELETE", "steer"), route("HEAD", undefined)];
  const statusFor = async (caller: Caller | undefined, method: string) => {
    const router = makeRouter({ routes, ...(caller && { guard: () => caller }) });
    return (await ask(router, "/channels/chat", method)).status;
  };
  for (const method of ["GET", "DELETE", "HEAD"]) {
    assertEquals(await statusFor(read, method), method === "DELETE" ? 403 : 200, method);
    assertEquals(await statusFor(steer, method), method === "GET" ? 403 : 200, method);
    // Whatever a router without a guard serves, it serves nobody a route that needs a right.
    assertEquals(await statusFor(stranger, method), method === "HEAD" ? 200 : 403, method);
    assertEquals(await statusFor(Caller.anyone, method), 200, method);
  }
  assertEquals(asked, 8, "a handler is not asked where the right is missing");
});

Deno.test("who was answered, and how, is told by the route's path", async () => {
  const told: unknown[] = [];
  const caller = new Caller("shop", () => ControlRights.all);
  const router = makeRouter({
    guard: () => caller,
    onAnswer: (answered) => told.push(answered),
  });
  await ask(router, "/channels/private", "DELETE");
  await ask(router, "/nowhere");
  await ask(router, "/emit/", "GET");
  assertEquals(told, [{ method: "DELETE", path: "/channels/:name", status: 200, caller }]);
});

Deno.test("who was refused is told by the route's path, where there is a route", async () => {
  const told: unknown[] = [];
  const fail = () => {
    throw new ControlForbidden("Refused.");
  };
  const router = makeRouter({
    routes: [{ path: "/channels/:name", methods: ["GET"], handle: fail }],
    onRefusal: ({ status }, _caller, path) => told.push([status, path]),
  });
  await ask(router, "/channels/private");
  await ask(router, "/channels/private", "PUT");
  await ask(router, "/nowhere/private");
  assertEquals(told, [
    [403, "/channels/:name"],
    [405, "/channels/:name"],
    [404, undefined],
  ]);
});

Deno.test("what a handler throws, at once or later, is answered", async () => {
  const fail = () => {
    throw new ControlForbidden("Refused.");
  };
  const router = makeRouter({
    routes: [
      { path: "/now", methods: ["GET"], handle: fail },
      { path: "/later", methods: ["GET"], handle: () => Promise.resolve().then(fail) },
    ],
  });
  for (const path of ["/now", "/later"]) assertEquals((await ask(router, path)).status, 403);
});

Deno.test("every answer gets the listener's headers, whatever became of the request", async () => {
  const router = makeRouter({ headers: ({ method }) => ({ "X-Method": method }) });
  for (
    const [path, method] of [["/healthz", "GET"], ["/healthz", "POST"], ["/x", "GET"]] as const
  ) {
    const response = await ask(router, path, method);
    await response.body?.cancel();
    assertEquals(response.headers.get("X-Method"), method);
  }
});

Deno.test("a handler is given the query and the connection", async () => {
  let seen: unknown;
  const router = makeRouter({
    routes: [{
      path: "/x",
      methods: ["GET"],
      handle: ({ query, connection }) => {
        seen = [query?.get("a"), connection];
        return new Response();
      },
    }],
  });
  const connection = { completed: Promise.resolve() };
  await router.handle(new Request("http://127.0.0.1/x?a=%31"), connection);
  assertEquals(seen, ["1", connection]);
});
