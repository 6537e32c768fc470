import type { Broker } from "../../broker/broker.ts";
import type { ServerCounts } from "../../hub/server_counts.ts";
import { disconnectsOf } from "../../hub/stream_counts.ts";
import { answer, wantsJson } from "../answers.ts";
import type { RouteHandler } from "../router.ts";

/** What the health check looks at. */
export interface HealthDeps {
  readonly counts: () => Promise<ServerCounts>;
  readonly broker: Broker;
  /** Whether both listeners accept connections now. */
  readonly healthy: () => boolean;
  /** Whether the server was told to stop, and serves on for a while. */
  readonly isStopAnnounced: () => boolean;
  /** Why keys of issuers are missing, a sentence each; `undefined` where no key set is fetched. */
  readonly missingKeys: (() => Promise<readonly string[]>) | undefined;
}

/** `GET /healthz`: 200 while both listeners accept connections, and in JSON how the server is. */
export function healthHandler({ counts, broker, healthy, missingKeys }: HealthDeps): RouteHandler {
  return async ({ request }) => {
    const accepting = healthy();
    const status = accepting ? "ok" : "not accepting";
    const code = accepting ? 200 : 503;
    if (!wantsJson(request)) return answer(code, `${status}\n`);
    const streams = await counts();
    return answer(code, {
      status,
      store: broker.unavailableReason ?? "ok",
      subscribers: streams.streams,
      endings: inSnakeCase(disconnectsOf(streams)),
      ...(missingKeys && { keys: (await missingKeys()).join("; ") || "ok" }),
    });
  };
}

/**
 * `GET /readyz`: 200 while a client that connects now would get what it asks for, otherwise 503 and why, a
 * sentence a line. A store that is away is no reason: streams go on, and wait for it.
 */
export function readyHandler({ healthy, isStopAnnounced, missingKeys }: HealthDeps): RouteHandler {
  return async ({ request }) => {
    const reasons = [
      ...(healthy() ? [] : ["the listeners accept no connections"]),
      ...(isStopAnnounced() ? ["the server is about to stop"] : []),
      ...await missingKeys?.() ?? [],
    ];
    return readyAnswer(request, reasons);
  };
}

/** The answer of `GET /readyz` on the control listener: ready, unless there are reasons why not. */
export function readyAnswer(request: Request, reasons: readonly string[]): Response {
  const ready = reasons.length === 0;
  const text = ready ? "ready\n" : `${reasons.join("\n")}\n`;
  return answer(ready ? 200 : 503, wantsJson(request) ? { ready, reasons } : text);
}

/** `GET /livez`: 200 as long as the event loop of the thread that serves it runs. */
export function liveHandler(): RouteHandler {
  return ({ request }) => answer(200, wantsJson(request) ? { live: true } : "live\n");
}

/** `GET /readyz` for strangers: whether a client that connects now would get what it asks for, and no more. */
export function clientReadyHandler(isReady: () => boolean): RouteHandler {
  return ({ request }) => {
    const ready = isReady();
    const text = ready ? "ready\n" : "not ready\n";
    return answer(ready ? 200 : 503, wantsJson(request) ? { ready } : text);
  };
}

/** The log's names have spaces; members of JSON need none. */
function inSnakeCase(counts: Readonly<Record<string, number>>): Readonly<Record<string, number>> {
  return Object.fromEntries(
    Object.entries(counts).map(([name, count]) => [name.replaceAll(" ", "_"), count]),
  );
}
