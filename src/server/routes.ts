import type { Right } from "../auth/control_rights.ts";
import { type CorsAllowance, corsHeaders, CorsRefusals, preflight } from "../http/cors.ts";
import type { ControlAccess } from "../http/control_access.ts";
import { type BackupDeps, backupHandler } from "../http/handlers/backup.ts";
import { browserClientHandler } from "../http/handlers/browser_client.ts";
import { openApiHandler } from "../http/handlers/openapi_document.ts";
import { operatorPageHandler } from "../http/handlers/operator_page.ts";
import type { DemoPageAccess } from "../http/demo_page_access.ts";
import { type DisconnectDeps, disconnectHandler } from "../http/handlers/disconnect.ts";
import { demoPageHandler, type DemoPageSettings } from "../http/handlers/demo_page.ts";
import { type ExplainDeps, explainHandler } from "../http/handlers/explain.ts";
import {
  clientReadyHandler,
  type HealthDeps,
  healthHandler,
  liveHandler,
  readyHandler,
} from "../http/handlers/health.ts";
import { type IssueTokenDeps, issueTokenHandler } from "../http/handlers/issue_token.ts";
import { type LookDeps, lookHandlers } from "../http/handlers/look.ts";
import { type PresenceDeps, presenceHandler } from "../http/handlers/show_presence.ts";
import { type MetricsDeps, metricsHandler } from "../http/handlers/metrics.ts";
import { publishHandler } from "../http/handlers/publish.ts";
import type { PublishDeps } from "../http/handlers/publish_ndjson.ts";
import { type RemoveHistoryDeps, removeHistoryHandler } from "../http/handlers/remove_history.ts";
import { revocationsHandler, type RevokeDeps, revokeHandler } from "../http/handlers/revoke.ts";
import { type StatsDeps, statsHandler } from "../http/handlers/stats_stream.ts";
import { type SubscribeDeps, subscribeHandler } from "../http/handlers/subscribe.ts";
import { tailChannelHandler, type TailDeps } from "../http/handlers/tail_channel.ts";
import { RefusalLog } from "../http/refusal_log.ts";
import type { RequestCounts } from "../http/request_counts.ts";
import { type Route, Router } from "../http/router.ts";
import { targetOf } from "../http/target.ts";
import type { HttpError } from "../lib/errors.ts";
import { hideTokens } from "../lib/token_text.ts";
import type { ActivityLog } from "../observability/activity_log.ts";
import type { LogFields } from "../observability/log_line.ts";
import type { Logger } from "../observability/logger.ts";

/** Everything that the client listener needs. */
export interface ClientRouteDeps extends SubscribeDeps {
  readonly corsOrigins: readonly string[] | "*";
  readonly logger: Logger;
  readonly activity: ActivityLog;
  /** Is told of each refused request. Default: nobody is. */
  readonly onRefusal?: (error: HttpError) => void;
  /** Set with `-dev`. Default: there is no demo page. */
  readonly demoPage?: DemoPageSettings | undefined;
  /** Whether a client that connects now would get what it asks for. */
  readonly isReady: () => boolean;
}

/** What pages of other origins may send to either listener. */
const STREAM_ALLOWANCE = {
  methods: "GET",
  headers: "Authorization, Cache-Control, Last-Event-ID",
};
const DEMO_PAGE_ALLOWANCE = { methods: "POST", headers: "Authorization" };

/** A path of the control listener, which back ends send to the client listener by mistake. */
const CONTROL_PATH =
  /^\/((emit|token|revoke|disconnect|backup|presence|explain|stats)\/?|healthz|metrics)$/;

const EMIT_PATH = /^\/emit\/?$/;

type HeadersOf = (request: Request) => Readonly<Record<string, string>>;

/** What a page of another origin asks before it asks for a stream. */
export function streamPreflight(cors: HeadersOf): Route {
  return preflightRoute("/events/", cors, STREAM_ALLOWANCE);
}

/** The routes of the client listener. */
export function clientRouter(deps: ClientRouteDeps): Router {
  const { corsOrigins, logger, activity, demoPage, onRefusal } = deps;
  const cors = (request: Request) => corsHeaders(request, corsOrigins);
  const corsRefusals = new CorsRefusals(corsOrigins, logger, activity);
  const routes: Route[] = [
    { path: "/events/", methods: ["GET"], handle: subscribeHandler(deps) },
    streamPreflight(cors),
    { path: "/client.js", methods: ["GET", "HEAD"], handle: browserClientHandler() },
    { path: "/livez", methods: ["GET", "HEAD"], handle: liveHandler() },
    { path: "/readyz", methods: ["GET", "HEAD"], handle: clientReadyHandler(deps.isReady) },
  ];
  if (demoPage !== undefined) {
    routes.push({ path: "/", methods: ["GET", "HEAD"], handle: demoPageHandler(demoPage) });
  }
  return new Router({
    routes,
    notFound: (path) => {
      if (CONTROL_PATH.test(path)) return "it is on the control listener (-bindctl)";
      // A page's path, as a proxy that does not rewrite it passes it on.
      return /^\/.+\//.test(path) && !path.startsWith("/events/")
        ? "have the proxy rewrite it to /events/"
        : "events are at /events/";
    },
    headers: (request) => {
      corsRefusals.note(request);
      return cors(request);
    },
    onRefusal: (error) => {
      onRefusal?.(error);
      activity.notice?.("client request refused", refusalFields(error));
    },
    logger,
  });
}

/** Everything that the control listener needs. */
export interface ControlRouteDeps
  extends
    PublishDeps,
    IssueTokenDeps,
    HealthDeps,
    MetricsDeps,
    PresenceDeps,
    StatsDeps,
    TailDeps,
    LookDeps,
    ExplainDeps,
    RemoveHistoryDeps,
    BackupDeps,
    RevokeDeps,
    DisconnectDeps {
  readonly access: ControlAccess;
  /** Counts the answers. */
  readonly requests: RequestCounts;
  /** Set with `-dev`. Default: there is no demo page. */
  readonly demoPage?: DemoPageAccess | undefined;
}

/** A route of the control listener, which says what right it needs: none, if any key will do. */
interface ControlRoute extends Route {
  readonly needs: Right | undefined;
  /** Whether it is served without a key, as what holds no data may be. Default: no. */
  readonly isKeyless?: true;
}

/** The routes of the control listener. Where a right is given by channel, the handler asks for the channel. */
export function controlRouter(deps: ControlRouteDeps): Router {
  const { access, demoPage, logger, activity, requests } = deps;
  const page = operatorPageHandler();
  const look = lookHandlers(deps);
  const routes: readonly ControlRoute[] = [
    { path: "/", methods: ["GET", "HEAD"], needs: undefined, isKeyless: true, handle: page },
    { path: "/emit/", methods: ["POST"], needs: "emit", handle: publishHandler(deps) },
    { path: "/token/", methods: ["POST"], needs: "token", handle: issueTokenHandler(deps) },
    { path: "/revoke/", methods: ["GET"], needs: "read", handle: revocationsHandler(deps) },
    { path: "/revoke/", methods: ["POST"], needs: "steer", handle: revokeHandler(deps) },
    { path: "/disconnect/", methods: ["POST"], needs: "steer", handle: disconnectHandler(deps) },
    { path: "/channels/", methods: ["GET"], needs: "read", handle: look.channels },
    { path: "/channels/:name", methods: ["GET"], needs: "read", handle: look.channel },
    { path: "/users/:name", methods: ["GET"], needs: "read", handle: look.user },
    { path: "/streams/", methods: ["GET"], needs: "read", handle: look.streams },
    { path: "/presence/", methods: ["GET"], needs: "read", handle: presenceHandler(deps) },
    { path: "/explain/", methods: ["GET"], needs: "read", handle: explainHandler(deps) },
    {
      path: "/channels/:name/history",
      methods: ["DELETE"],
      needs: "steer",
      handle: removeHistoryHandler("channel", deps),
    },
    {
      path: "/users/:name/history",
      methods: ["DELETE"],
      needs: "steer",
      handle: removeHistoryHandler("user", deps),
    },
    { path: "/backup/", methods: ["POST"], needs: "steer", handle: backupHandler(deps) },
    { path: "/healthz", methods: ["GET", "HEAD"], needs: undefined, handle: healthHandler(deps) },
    { path: "/livez", methods: ["GET", "HEAD"], needs: undefined, handle: liveHandler() },
    {
      path: "/openapi.json",
      methods: ["GET", "HEAD"],
      needs: undefined,
      isKeyless: true,
      handle: openApiHandler(),
    },
    { path: "/metrics", methods: ["GET"], needs: "read", handle: metricsHandler(deps) },
    { path: "/readyz", methods: ["GET", "HEAD"], needs: undefined, handle: readyHandler(deps) },
    { path: "/stats/", methods: ["GET"], needs: "read", handle: statsHandler(deps) },
    {
      path: "/channels/:name/events",
      methods: ["GET"],
      needs: "read",
      handle: tailChannelHandler(deps),
    },
  ];
  const cors = demoPage && ((request: Request) => demoPage.headers(request));
  const preflights = cors === undefined
    ? []
    : ["/emit/", "/token/"].map((path) => preflightRoute(path, cors, DEMO_PAGE_ALLOWANCE));
  const keyless = new Set(routes.filter(({ isKeyless }) => isKeyless).map(({ path }) => path));
  const refusals = new RefusalLog(logger);
  return new Router({
    routes: [...routes, ...preflights],
    notFound: (path) =>
      /^\/events\/?$/.test(path)
        ? "it is on the client listener (-bind)"
        : `use ${listPaths(routes)}`,
    guard: (request) => access.check(request, keyless),
    onRefusal: (error, { keyName }, path, request) => {
      requests.add(path, error.status);
      refusals.note(error, keyName);
      if (EMIT_PATH.test(targetOf(request).path)) deps.refusedEmits.noteOnce(error, keyName);
      activity.notice?.("control request refused", refusalFields(error, keyName));
    },
    onAnswer: ({ caller: { keyName }, ...answered }) => {
      requests.add(answered.path, answered.status);
      logger.debug("control request", { ...answered, ...(keyName && { key: keyName }) });
    },
    ...(cors && { headers: cors }),
    logger,
  });
}

function refusalFields({ status, name, reason }: HttpError, keyName?: string): LogFields {
  return { status, error: name, reason: hideTokens(reason), ...(keyName && { key: keyName }) };
}

function preflightRoute(path: string, cors: HeadersOf, allowance: CorsAllowance): Route {
  return {
    path,
    methods: ["OPTIONS"],
    handle: ({ request }) => preflight(cors(request), allowance),
  };
}

function listPaths(routes: readonly Route[]): string {
  const paths = new Set(routes.map(({ path }) => path));
  return new Intl.ListFormat("en-GB", { type: "disjunction" }).format(paths);
}
