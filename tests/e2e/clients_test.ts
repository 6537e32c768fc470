/** The clients that users have, on streams that are cut at every byte and a server that restarts. */
import { assert, assertEquals } from "../support/assert.ts";
import { tryAvailable } from "../support/clients/all.ts";
import { inFirefox } from "../support/clients/drivers.ts";
import { rowOf, shownRowOf } from "../support/clients/page.ts";
import { healthOf } from "../support/health.ts";
import { readPage } from "../support/markdown.ts";
import { withSeed } from "../support/seeded_random.ts";
import { startServer } from "../support/server.ts";
import { requires } from "../support/tools.ts";
import { waitFor } from "../support/wait.ts";

/** Shorter than the 20 seconds for which Firefox lets a request wait for another of the same URL. */
const SOON_MS = 15_000;

Deno.test("the clients do what the table of docs/clients.md says, each with the page's code", () =>
  withSeed(async (random) => {
    const { text } = await readPage("docs/clients.md");
    const wrong: string[] = [];
    await tryAvailable(random, (client, findings) => {
      const seen = rowOf(client, findings);
      const shown = shownRowOf(client, text);
      if (seen === shown) return;
      wrong.push(`the page: ${shown}\nseen:     ${seen}\n${findings.faults.join("\n")}`);
    });
    assert(wrong.length === 0, `run deno task clients, or mend:\n${wrong.join("\n\n")}`);
  }));

Deno.test({
  name:
    "two streams of one URL in Firefox open at once with the page's code for fetch-event-source",
  ...requires("firefox", "npm"),
  async fn() {
    await using server = await startServer(["-cors", "*"]);
    const token = await server.token({ userId: "alex", channel: "chat" });
    const orders = [0, 1].map((stream) => ({ stream, url: server.eventsUrl, token }));
    await using client = await inFirefox("fetch_event_source")(orders);
    const opened = async () => (await healthOf(server)).subscribers;
    await waitFor("the first stream", opened);
    await waitFor("the second", async () => await opened() === 2, { deadlineMs: SOON_MS });
    const { id } = await server.emit({ userId: "alex", channel: "chat", data: "hello" });
    const hello = { id, event: "message", data: "hello" };
    await waitFor(
      "the event",
      () => orders.every(({ stream }) => client.record(stream).received[0]),
    );
    assertEquals(orders.map(({ stream }) => client.record(stream).received), [[hello], [hello]]);
  },
});
