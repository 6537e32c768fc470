import type { Broker } from "../../broker/broker.ts";
import type { EvidenceSource, TimeSpan } from "../../explain/evidence_source.ts";
import { explainEvent, explainNow, explainSince } from "../../explain/explanation.ts";
import { readEvents } from "../../explain/read_events.ts";
import type { Clock } from "../../lib/clock.ts";
import { type ExplainRequest, readExplainRequest } from "../../requests/explain_request.ts";
import { parseId, seqTime } from "../../sse/log_position.ts";
import { answer } from "../answers.ts";
import { queryFields } from "../body.ts";
import type { RouteHandler } from "../router.ts";

/** What explaining works with. */
export interface ExplainDeps {
  readonly broker: Broker;
  readonly clock: Clock;
  readonly evidence: EvidenceSource;
}

/** The most events that one question looks at. */
const MAX_EVENTS = 1000;

/** Refused emits matter within this time of the event that is not there. */
const NEAR_MS = 300_000;

/** The same for an id that does not tell its time: before now. */
const RECENT_MS = 3_600_000;

/** `GET /explain/`: why a user did or did not get an event. It throws BadField, StoreUnavailable and WorkerSilent. */
export function explainHandler(deps: ExplainDeps): RouteHandler {
  return async ({ request, query }) => {
    const asked = readExplainRequest(queryFields(query), deps.clock.wall());
    const explanation = await explain(deps, asked);
    const accept = request.headers.get("Accept") ?? "";
    const wantsText = accept.includes("text/plain") && !accept.includes("application/json");
    return answer(200, wantsText ? `${explanation.text}\n` : explanation, { "Vary": "Accept" });
  };
}

async function explain({ broker, clock, evidence }: ExplainDeps, asked: ExplainRequest) {
  const { id, sinceMs, user, channel } = asked;
  const { epoch } = broker.head;
  if (id !== undefined) {
    const lookup = await broker.lookUp(id, channel, user);
    const span = lookup.events.length > 0 ? undefined : spanAround(id, clock.wall());
    const known = await evidence.gather(asked, lookup.head.epoch, span);
    return explainEvent(asked, id, lookup, known);
  }
  if (sinceMs === undefined) return explainNow(asked, await evidence.gather(asked, epoch));
  const after = Math.floor(sinceMs * 1000) - 1;
  const subscription = { user, channels: [channel] };
  const read = await readEvents(broker, subscription, after, MAX_EVENTS, clock);
  const span = { fromMs: sinceMs, toMs: clock.wall() };
  return explainSince(asked, sinceMs, read, await evidence.gather(asked, epoch, span));
}

function spanAround(id: string, nowMs: number): TimeSpan {
  const position = parseId(id);
  if (position === undefined) return { fromMs: nowMs - RECENT_MS, toMs: nowMs };
  const timeMs = seqTime(position.seq);
  return { fromMs: timeMs - NEAR_MS, toMs: timeMs + NEAR_MS };
}
