import type { Broker } from "../broker/broker.ts";
import { Caller } from "../http/caller.ts";
import { answer, wantsJson } from "../http/answers.ts";
import { corsHeaders } from "../http/cors.ts";
import { browserClientHandler } from "../http/handlers/browser_client.ts";
import { clientReadyHandler, liveHandler, readyAnswer } from "../http/handlers/health.ts";
import { streamOf } from "../http/handlers/subscribe.ts";
import { type Route, Router } from "../http/router.ts";
import { targetOf } from "../http/target.ts";
import { ControlFrames } from "../hub/control_frames.ts";
import { FIRST_PAUSE_MS, longerPause, scattered } from "../lib/backoff.ts";
import type { Clock } from "../lib/clock.ts";
import { within } from "../lib/deadline.ts";
import { StartGivenUp, StoreAway, StoreUnavailable } from "../lib/errors.ts";
import { pause } from "../lib/pause.ts";
import { Signal } from "../lib/signal.ts";
import type { Logger } from "../observability/logger.ts";
import type { ClientSettings } from "./client_side.ts";
import { unlessGivenUp } from "./give_up.ts";
import { Listener } from "./listener.ts";
import { streamPreflight } from "./routes.ts";

/** How long a request that nobody finishes may keep the server from starting. */
const PATIENCE_MS = 1000;

/** How often the log says again that the store is away: its address may be wrong. */
const REMINDER_MS = 60_000;

/** What waiting works with. */
export interface StoreWait {
  readonly settings: ClientSettings;
  readonly clock: Clock;
  readonly logger: Logger;
  /** Aborted when the server is to stop. Default: never. */
  readonly giveUp?: AbortSignal | undefined;
  /** Called each time that the store was found away, some seconds apart. Default: nothing. */
  readonly foundAway?: (() => void) | undefined;
}

/**
 * Opens the broker of a store that may be away. Until it is there, both listeners accept requests: `/livez`
 * says that the server lives, `/readyz` that it is not ready, clients are told when to come back, and everything
 * else gets 503. Then they are closed, for the server's own.
 *
 * @param open throws StoreAway while it is worth trying again.
 * @throws StartGivenUp when it is to stop; otherwise whatever `open` throws, and StartError if an address cannot
 *   be used.
 */
export async function openWhenThere(
  open: () => Promise<Broker>,
  wait: StoreWait,
): Promise<Broker> {
  const { clock, logger, giveUp, foundAway } = wait;
  const begunAt = clock.steady();
  try {
    return await openUnlessGivenUp(open, giveUp);
  } catch (error) {
    if (!(error instanceof StoreAway)) throw error;
    logger.warn("waiting for the store", { store: error.store, error: error.why });
  }
  const listeners: Listener[] = [];
  try {
    listeners.push(waitingClientListener(wait));
    listeners.push(waitingControlListener(wait));
    foundAway?.();
    return await openAtLast(open, wait, begunAt);
  } finally {
    const stopped = Promise.all(listeners.map((listener) => listener.stop()));
    await within(PATIENCE_MS, stopped, () => {});
  }
}

async function openAtLast(
  open: () => Promise<Broker>,
  { clock, logger, giveUp, foundAway }: StoreWait,
  begunAt: number,
): Promise<Broker> {
  const givenUp = new Signal();
  giveUp?.addEventListener("abort", () => givenUp.notify());
  let remindedAt = begunAt;
  for (let pauseMs = FIRST_PAUSE_MS;; pauseMs = longerPause(pauseMs)) {
    await unlessGivenUp(giveUp, () => givenUp.wait(scattered(pauseMs)));
    try {
      return await openUnlessGivenUp(open, giveUp);
    } catch (error) {
      if (!(error instanceof StoreAway)) throw error;
      const { store, why } = error;
      const now = clock.steady();
      if (now - remindedAt < REMINDER_MS) {
        logger.debug("store still unreachable", { store, error: why });
      } else {
        const seconds = Math.round((now - begunAt) / 1000);
        logger.warn("waiting for the store", { store, error: why, seconds });
        remindedAt = now;
      }
    }
    foundAway?.();
  }
}

/** A store that opens although the server is to stop is closed. */
async function openUnlessGivenUp(
  open: () => Promise<Broker>,
  giveUp: AbortSignal | undefined,
): Promise<Broker> {
  let opening: Promise<Broker> | undefined;
  try {
    return await unlessGivenUp(giveUp, () => opening = opened(open));
  } catch (error) {
    if (error instanceof StartGivenUp) opening?.then((broker) => broker.close(), () => {});
    throw error;
  }
}

/** To open a file holds up the event loop: a signal of meanwhile comes only in the next turn. */
async function opened(open: () => Promise<Broker>): Promise<Broker> {
  const broker = await open();
  await pause();
  return broker;
}

function waitingClientListener({ settings, logger }: StoreWait): Listener {
  const { config, certificate } = settings;
  const frames = new ControlFrames(config.retryMs);
  const cors = (request: Request) => corsHeaders(request, config.corsOrigins);
  const router = new Router({
    routes: [
      {
        path: "/events/",
        methods: ["GET"],
        handle: () => streamOf(frames.closeNotice("starting")),
      },
      streamPreflight(cors),
      { path: "/client.js", methods: ["GET", "HEAD"], handle: browserClientHandler() },
      { path: "/livez", methods: ["GET", "HEAD"], handle: liveHandler() },
      { path: "/readyz", methods: ["GET", "HEAD"], handle: clientReadyHandler(() => false) },
    ],
    notFound: () => "events are at /events/",
    headers: cors,
    logger,
  });
  return Listener.start({
    name: "client",
    address: config.client,
    handler: (request, info) => router.handle(request, info),
    logger,
    certificate,
  });
}

/** Its answers hold nothing that would need a key. */
function waitingControlListener({ settings, logger }: StoreWait): Listener {
  const checks: readonly Route[] = [
    { path: "/livez", methods: ["GET", "HEAD"], handle: liveHandler() },
    {
      path: "/readyz",
      methods: ["GET", "HEAD"],
      handle: ({ request }) => readyAnswer(request, ["the server waits for its store"]),
    },
    {
      path: "/healthz",
      methods: ["GET", "HEAD"],
      handle: ({ request }) =>
        answer(
          503,
          wantsJson(request) ? { status: "waiting for the store" } : "waiting for the store\n",
        ),
    },
  ];
  const served = new Set(checks.map(({ path }) => path));
  const router = new Router({
    routes: checks,
    notFound: () => "use /livez, /readyz or /healthz",
    guard: (request) => {
      if (served.has(targetOf(request).path)) return Caller.stranger;
      throw new StoreUnavailable(
        "Cannot answer: the server waits for its store. Nothing was done.",
      );
    },
    logger,
  });
  return Listener.start({
    name: "control",
    address: settings.config.control,
    handler: (request) => router.handle(request),
    logger,
  });
}
