/**
 * Prints how many megabytes stay in memory of large requests of which small parts are remembered. It runs with
 * `--v8-flags=--expose-gc`.
 *
 * @module
 */
import { RefusedEmits } from "../../src/explain/refused_emits.ts";
import { readFields } from "../../src/http/body.ts";
import { BodyLimits } from "../../src/http/body_limits.ts";
import { BadField } from "../../src/lib/errors.ts";
import { createEvent } from "../../src/sse/event.ts";
import { blocksOf } from "../../src/sse/blocks.ts";
import { FakeClock } from "./fake_clock.ts";

const REQUESTS = 20;
const LONG = "x".repeat(1_000_000);

const clock = new FakeClock();
const refused = new RefusedEmits({ entries: 1000, ageMs: 60_000 }, clock);
const kept: unknown[] = [refused];
const limits = new BodyLimits(2_000_000, clock);

for (let n = 0; n < REQUESTS; n++) {
  const body = `channel=channel-of-number-${n}&userId=user-of-number-${n}&junk=${LONG}`;
  const request = new Request("http://localhost", { method: "POST", body });
  const fields = await readFields(
    request,
    "application/x-www-form-urlencoded",
    undefined,
    limits,
  );
  const [channel = ""] = fields.all("channel");
  kept.push(channel);
  const why = `${n}${LONG}`;
  refused.note(new BadField("retry", why), "shop", { channel });
  const payload = `data: of number ${n}, and short\n\nid: of-the-publisher-${n}\ndata: ${LONG}`;
  const [short = "", long = ""] = blocksOf(payload);
  const draft = { channel, user: "*" };
  kept.push(createEvent({ ...draft, block: short }, n, "epoch"));
  kept.push(createEvent({ ...draft, block: long }, n, "epoch").publisherId);
}
(globalThis as unknown as { gc(): void }).gc();
Deno.stdout.writeSync(
  new TextEncoder().encode(`${Deno.memoryUsage().heapUsed / 1e6} ${kept.length}`),
);
