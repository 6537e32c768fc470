import { Caller } from "../../../src/http/caller.ts";
import { ControlStreams } from "../../../src/http/handlers/control_streams.ts";
import { presenceHandler } from "../../../src/http/handlers/show_presence.ts";
import { PresenceStreams } from "../../../src/http/handlers/presence_streams.ts";
import { WorkerSilent } from "../../../src/lib/errors.ts";
import { assert, assertEquals, assertMatch } from "../../support/assert.ts";
import { FakeClock } from "../../support/fake_clock.ts";

Deno.test("while a worker is silent, neither a list nor a stream tells a part", async () => {
  const presence = () => Promise.reject(new WorkerSilent());
  const deps = { presence, controlStreams: new ControlStreams(), clock: new FakeClock() };
  const handle = presenceHandler({ presence, presenceStreams: new PresenceStreams(deps) });
  for (const Accept of ["application/json", "text/event-stream"]) {
    const request = new Request("http://127.0.0.1/presence/", { headers: { Accept } });
    const query = new URLSearchParams({ channel: "chat" });
    const connection = { completed: Promise.resolve() };
    const caller = Caller.anyone;
    const failure = await Promise.resolve(handle({ request, query, name: "", connection, caller }))
      .catch((error) => error);
    assert(failure instanceof WorkerSilent, Accept);
    assertEquals([failure.status, failure.headers["Retry-After"]], [503, "1"]);
    assertMatch(failure.message, /^Cannot tell: a worker /);
  }
});
