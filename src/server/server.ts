import { BodyLimits } from "../http/body_limits.ts";
import { ControlAccess } from "../http/control_access.ts";
import type { Broker } from "../broker/broker.ts";
import { Hub } from "../hub/hub.ts";
import type { Clock } from "../lib/clock.ts";
import { within } from "../lib/deadline.ts";
import { createActivityLog } from "../observability/activity_log.ts";
import { LimitedLogger } from "../observability/limited_logger.ts";
import type { Logger } from "../observability/logger.ts";
import { TokenAuthority } from "../auth/token_authority.ts";
import { TokenCache } from "../auth/token_cache.ts";
import type { Config } from "../config/config.ts";
import { describeStore } from "../broker/store_address.ts";
import { Listener } from "./listener.ts";
import { openBroker } from "./open_broker.ts";
import { clientRouter, controlRouter } from "./routes.ts";
import { isShort, randomSecret, readSecret } from "./secrets.ts";

/** Room for 40,000 tokens of one channel: more streams than one process can serve. */
const TOKEN_CACHE_BYTES = 16 * 1024 * 1024;

/** How long open control requests may keep a stopping server from ending its streams. */
const CONTROL_PATIENCE_MS = 1000;

/** A running server: two listeners that share a hub. */
export class Server {
  readonly tokens: TokenAuthority;
  readonly #config: Config;
  readonly #broker: Broker;
  readonly #hub: Hub;
  readonly #logger: Logger;
  /** For lines that clients can cause. */
  readonly #clientLogger: LimitedLogger;
  readonly #client: Listener;
  readonly #control: Listener;

  private constructor(
    config: Config,
    tokens: TokenAuthority,
    broker: Broker,
    controlKey: string | undefined,
    clock: Clock,
    logger: Logger,
  ) {
    this.tokens = tokens;
    this.#config = config;
    this.#broker = broker;
    this.#logger = logger;
    this.#clientLogger = new LimitedLogger(logger, clock);
    const activity = createActivityLog(this.#clientLogger, config.logLevel, config.dev);
    const hub = this.#hub = new Hub(broker, config, clock, this.#clientLogger);
    const client = clientRouter({
      ...config,
      hub,
      tokens: new TokenCache(tokens, TOKEN_CACHE_BYTES),
      clock,
      logger: this.#clientLogger,
      activity,
    });
    const access = new ControlAccess({
      boundHost: config.control.host,
      hosts: config.controlHosts,
      key: controlKey,
    });
    const control = controlRouter({
      ...config,
      hub,
      broker,
      tokens,
      access,
      bodyLimits: new BodyLimits(config.maxPayloadBytes, clock),
      clock,
      logger,
      activity,
      isStoreShared: config.store.kind === "redis",
      healthy: () => this.#client.accepting && this.#control.accepting,
    });
    this.#control = Listener.start("control", config.control, (r) => control.handle(r), logger);
    this.#client = Listener.start("client", config.client, (r, i) => client.handle(r, i), logger);
  }

  /**
   * Opens the store and both listeners, and logs their addresses.
   *
   * @throws StartError if any of that fails.
   */
  static async start(
    config: Config,
    clock: Clock,
    logger: Logger,
  ): Promise<Server> {
    const secret = readSecret(config.secret);
    const controlKey = readSecret(config.controlKey);
    const tokens = await TokenAuthority.create(
      secret ?? randomSecret(),
      config.maxChannelsPerToken,
    );
    const broker = await openBroker(config, clock, logger);
    const server = new Server(
      config,
      tokens,
      broker,
      controlKey,
      clock,
      logger,
    );
    // Not earlier: a start that fails logs its error and nothing else.
    if (secret === undefined) {
      logger.warn(
        "no secret given: using a random one, so tokens are good until this server stops",
      );
    }
    if (secret !== undefined && isShort(secret)) {
      logger.warn("short secret: HS256 needs at least 32 bytes, RFC 7518, section 3.2");
    }
    const { eventsPerChannel, ageMs } = config.retention;
    logger.info("history", {
      store: describeStore(config.store, config.redisPrefix),
      events: eventsPerChannel,
      seconds: ageMs / 1000,
    });
    logger.info("listening", {
      listener: "client",
      address: server.clientAddress,
    });
    logger.info("listening", {
      listener: "control",
      address: server.controlAddress,
    });
    return server;
  }

  get clientAddress(): string {
    return this.#client.address;
  }

  get controlAddress(): string {
    return this.#control.address;
  }

  /**
   * Stops the server in an order that loses no events: it refuses further emits, then sends the
   * pending events, then ends each stream.
   *
   * @returns false if streams were still open after the drain time.
   */
  async stop(): Promise<boolean> {
    const drained = this.#drain().catch((error) => {
      this.#logger.error("draining failed", { error: String(error) });
    });
    const inTime = await isDoneWithin(this.#config.drainMs, drained);
    this.#clientLogger.flush();
    await this.#broker.close();
    return inTime;
  }

  async #drain(): Promise<void> {
    const { drainMs } = this.#config;
    this.#hub.stopAccepting();
    const clientStopped = this.#client.stop();
    // A back end that never finishes its request must not keep the streams from ending.
    await isDoneWithin(Math.min(CONTROL_PATIENCE_MS, drainMs / 2), this.#control.stop());
    this.#hub.drain();
    await clientStopped;
  }
}

/** Whether something is done within a time; waits no longer than that. */
function isDoneWithin(ms: number, done: Promise<void>): Promise<boolean> {
  return within(ms, done.then(() => true), () => false);
}
