import { corsHeaders, preflight } from "../http/cors.ts";
import type { ControlAccess } from "../http/control_access.ts";
import { browserClientHandler } from "../http/handlers/browser_client.ts";
import { type HealthDeps, healthHandler } from "../http/handlers/health.ts";
import { type IssueTokenDeps, issueTokenHandler } from "../http/handlers/issue_token.ts";
import { publishHandler } from "../http/handlers/publish.ts";
import type { PublishDeps } from "../http/handlers/publish_ndjson.ts";
import { type SubscribeDeps, subscribeHandler } from "../http/handlers/subscribe.ts";
import { RefusalLog } from "../http/refusal_log.ts";
import { type Route, Router } from "../http/router.ts";
import type { Logger } from "../observability/logger.ts";

/** Everything that the client listener needs. */
export interface ClientDeps extends SubscribeDeps {
  readonly corsOrigins: readonly string[] | "*";
  readonly logger: Logger;
}

/** The routes of the client listener. */
export function clientRouter(deps: ClientDeps): Router {
  const { corsOrigins, logger } = deps;
  const cors = (request: Request) => corsHeaders(request, corsOrigins);
  return new Router({
    routes: [
      { path: "/events/", methods: ["GET"], handle: subscribeHandler(deps) },
      { path: "/events/", methods: ["OPTIONS"], handle: ({ request }) => preflight(cors(request)) },
      { path: "/client.js", methods: ["GET", "HEAD"], handle: browserClientHandler() },
    ],
    notFound: "Not found: events are at /events/.",
    headers: cors,
    logger,
  });
}

/** Everything that the control listener needs. */
export interface ControlDeps extends PublishDeps, IssueTokenDeps, HealthDeps {
  readonly access: ControlAccess;
}

/** The routes of the control listener. */
export function controlRouter(deps: ControlDeps): Router {
  const routes: readonly Route[] = [
    { path: "/emit/", methods: ["POST"], handle: publishHandler(deps) },
    { path: "/token/", methods: ["POST"], handle: issueTokenHandler(deps) },
    { path: "/healthz", methods: ["GET", "HEAD"], handle: healthHandler(deps) },
  ];
  const refusals = new RefusalLog(deps.logger);
  return new Router({
    routes,
    notFound: `Not found: use ${listPaths(routes)}.`,
    guard: (request) => deps.access.check(request),
    onRefusal: (error) => refusals.note(error),
    logger: deps.logger,
  });
}

function listPaths(routes: readonly Route[]): string {
  const paths = new Set(routes.map(({ path }) => path));
  return new Intl.ListFormat("en-GB", { type: "disjunction" }).format(paths);
}
