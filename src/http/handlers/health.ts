import type { Broker } from "../../broker/broker.ts";
import type { Hub } from "../../hub/hub.ts";
import { answer, wantsJson } from "../answers.ts";
import type { RouteHandler } from "../router.ts";

/** What the health check looks at. */
export interface HealthDeps {
  readonly hub: Hub;
  readonly broker: Broker;
  /** Whether both listeners accept connections now. */
  readonly healthy: () => boolean;
  /** Why keys of issuers are missing, a sentence each; `undefined` where no key set is fetched. */
  readonly missingKeys: (() => readonly string[]) | undefined;
}

/** `GET /healthz`: 200 while both listeners accept connections, and in JSON how the server is. */
export function healthHandler({ hub, broker, healthy, missingKeys }: HealthDeps): RouteHandler {
  return ({ request }) => {
    const accepting = healthy();
    const status = accepting ? "ok" : "not accepting";
    const body = wantsJson(request)
      ? {
        status,
        store: broker.unavailableReason ?? "ok",
        subscribers: hub.size,
        endings: inSnakeCase(hub.disconnects),
        ...(missingKeys && { keys: missingKeys().join("; ") || "ok" }),
      }
      : `${status}\n`;
    return answer(accepting ? 200 : 503, body);
  };
}

/** The log's names have spaces; members of JSON need none. */
function inSnakeCase(counts: Readonly<Record<string, number>>): Readonly<Record<string, number>> {
  return Object.fromEntries(
    Object.entries(counts).map(([name, count]) => [name.replaceAll(" ", "_"), count]),
  );
}
