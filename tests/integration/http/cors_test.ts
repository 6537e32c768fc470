import { assertEquals, assertMatch } from "../../support/assert.ts";
import { Listeners } from "../../support/listeners.ts";

const LISTED = "https://app.example";
const OTHER = "https://evil.example";

interface Answered {
  readonly status: number;
  readonly origin: string | null;
  readonly credentials: string | null;
  readonly vary: string | null;
}

async function ask(
  listeners: Listeners,
  target: string,
  origin: string | undefined,
  method = "GET",
): Promise<Answered> {
  const headers = new Headers(origin === undefined ? {} : { Origin: origin });
  const response = await listeners.client(target, { method, headers });
  await response.body?.cancel();
  return {
    status: response.status,
    origin: response.headers.get("Access-Control-Allow-Origin"),
    credentials: response.headers.get("Access-Control-Allow-Credentials"),
    vary: response.headers.get("Vary"),
  };
}

/** A stream, and every kind of refusal: a page must be able to read why it was refused. */
function targets(listeners: Listeners): readonly [target: string, status: number][] {
  const token = listeners.token();
  return [[`/events/?token=${token}`, 200], ["/events/", 401], ["/nothing", 404]];
}

Deno.test("by default no page of another origin may read anything", async () => {
  using listeners = await Listeners.make();
  for (const [target, status] of targets(listeners)) {
    assertEquals(await ask(listeners, target, LISTED), {
      status,
      origin: null,
      credentials: null,
      vary: null,
    });
  }
});

Deno.test("a page of a listed origin may read every answer, with its cookies", async () => {
  using listeners = await Listeners.make({ corsOrigins: ["https://first.example", LISTED] });
  for (const [target, status] of targets(listeners)) {
    assertEquals(await ask(listeners, target, LISTED), {
      status,
      origin: LISTED,
      credentials: "true",
      vary: "Origin",
    });
  }
});

Deno.test("a page of an origin that is not listed may read nothing, and no cache mixes the two up", async () => {
  using listeners = await Listeners.make({ corsOrigins: [LISTED] });
  const others = [OTHER, "null", `${LISTED}.evil.example`, "http://app.example", `${LISTED}:444`];
  for (const origin of [...others, undefined]) {
    for (const [target, status] of targets(listeners)) {
      assertEquals(await ask(listeners, target, origin), {
        status,
        origin: null,
        credentials: null,
        vary: "Origin",
      });
    }
  }
});

Deno.test("with * a page of any origin may read, but not with cookies", async () => {
  using listeners = await Listeners.make({ corsOrigins: "*" });
  for (const [target, status] of targets(listeners)) {
    assertEquals(await ask(listeners, target, OTHER), {
      status,
      origin: "*",
      credentials: null,
      vary: null,
    });
  }
});

async function preflight(listeners: Listeners, origin: string): Promise<Response> {
  return await listeners.client("/events/", {
    method: "OPTIONS",
    headers: {
      Origin: origin,
      "Access-Control-Request-Method": "GET",
      "Access-Control-Request-Headers": "authorization,last-event-id,cache-control",
    },
  });
}

Deno.test("a preflight of an allowed origin needs no token and allows what clients send", async () => {
  for (const corsOrigins of [[LISTED], "*"] as const) {
    using listeners = await Listeners.make({ corsOrigins });
    const response = await preflight(listeners, LISTED);
    const { headers } = response;
    assertEquals([response.status, await response.text()], [204, ""]);
    assertEquals(
      headers.get("Access-Control-Allow-Origin"),
      corsOrigins === "*" ? "*" : LISTED,
    );
    assertEquals(headers.get("Access-Control-Allow-Methods"), "GET");
    const allowed = headers.get("Access-Control-Allow-Headers")?.toLowerCase() ?? "";
    // A star would not do: it never covers Authorization (Fetch Standard, CORS protocol).
    for (const name of ["authorization", "last-event-id", "cache-control"]) {
      assertMatch(allowed, new RegExp(`\\b${name}\\b`));
    }
    assertMatch(headers.get("Access-Control-Max-Age") ?? "", /^[0-9]+$/);
  }
});

Deno.test("a preflight of any other origin allows nothing", async () => {
  for (const corsOrigins of [[], [LISTED]]) {
    using listeners = await Listeners.make({ corsOrigins });
    const response = await preflight(listeners, OTHER);
    assertEquals(response.status, 204);
    const names = [...response.headers.keys()].filter((name) => name.startsWith("access-control"));
    assertEquals(names, []);
  }
});

Deno.test("a preflight of a path that does not exist is 404", async () => {
  using listeners = await Listeners.make({ corsOrigins: "*" });
  assertEquals((await ask(listeners, "/nothing", LISTED, "OPTIONS")).status, 404);
});

/** What the log says of origins, without the time. */
function originLines(listeners: Listeners): readonly string[] {
  return listeners.logLines.filter((line) => line.includes("origin"))
    .map((line) => line.replace(/^\S+ /, ""));
}

Deno.test("an origin that is not listed is logged once, with the flag that would list it", async () => {
  using listeners = await Listeners.make({ corsOrigins: [LISTED] });
  for (const origin of [OTHER, OTHER, LISTED, undefined, "null"]) {
    for (const [target] of targets(listeners)) await ask(listeners, target, origin);
    await ask(listeners, "/events/", origin, "OPTIONS");
  }
  assertEquals(originLines(listeners), [
    `warn a page of another origin cannot connect origin=${OTHER} flag="-cors ${LISTED},${OTHER}"`,
    'warn a page of another origin cannot connect origin=null flag="-cors *"',
  ]);
});

Deno.test("the server's own origin, and what no browser sends, are not logged", async () => {
  using listeners = await Listeners.make();
  const others = [
    "http://127.0.0.1:8000",
    "https://127.0.0.1:8000",
    "https://evil.example/path",
    "evil",
    `https://${"e".repeat(300)}.example`,
  ];
  for (const origin of others) await ask(listeners, "/events/", origin);
  using open = await Listeners.make({ corsOrigins: "*" });
  await ask(open, "/events/", OTHER);
  assertEquals([...originLines(listeners), ...originLines(open)], []);
});

Deno.test("whoever makes origins up fills neither the log nor the memory", async () => {
  using listeners = await Listeners.make();
  for (let n = 0; n < 200; n++) await ask(listeners, "/events/", `https://${n}.example`);
  assertEquals(originLines(listeners).length, 100);
});
