import { BodyLimits } from "../http/body_limits.ts";
import { ControlAccess } from "../http/control_access.ts";
import { DemoPageAccess } from "../http/demo_page_access.ts";
import type { Broker } from "../broker/broker.ts";
import { Hub } from "../hub/hub.ts";
import type { Clock } from "../lib/clock.ts";
import { within } from "../lib/deadline.ts";
import { LimitedLogger } from "../observability/limited_logger.ts";
import type { Logger } from "../observability/logger.ts";
import type { ControlKey } from "../auth/control_keys.ts";
import { TokenAuthority } from "../auth/token_authority.ts";
import { TokenCache } from "../auth/token_cache.ts";
import type { Config } from "../config/config.ts";
import { describeStore } from "../broker/store_address.ts";
import { Listener } from "./listener.ts";
import { openBroker } from "./open_broker.ts";
import { hasControlKeyFiles, readControlKeys } from "./read_control_keys.ts";
import { type Rereadable, rereadAll } from "./reread.ts";
import { clientRouter, controlRouter } from "./routes.ts";
import { randomPageKey, randomSecret, readSecret } from "./secrets.ts";

/** Room for 40,000 tokens of one channel: more streams than one process can serve. */
const TOKEN_CACHE_BYTES = 16 * 1024 * 1024;

/** How long open control requests may keep a stopping server from ending its streams. */
const CONTROL_PATIENCE_MS = 1000;

/** A running server: two listeners that share a hub. */
export class Server {
  readonly tokens: TokenAuthority;
  /** The key of the demo page; `undefined` without `-dev`. */
  readonly demoPageKey: string | undefined;
  readonly #config: Config;
  readonly #broker: Broker;
  readonly #hub: Hub;
  readonly #access: ControlAccess;
  #reloading = Promise.resolve();
  readonly #logger: Logger;
  /** For lines that clients can cause. */
  readonly #clientLogger: LimitedLogger;
  readonly #client: Listener;
  readonly #control: Listener;

  private constructor(
    config: Config,
    tokens: TokenAuthority,
    broker: Broker,
    controlKeys: readonly ControlKey[] | undefined,
    clock: Clock,
    logger: Logger,
  ) {
    this.tokens = tokens;
    this.#config = config;
    this.#broker = broker;
    this.#logger = logger;
    this.#clientLogger = new LimitedLogger(logger, clock);
    const hub = this.#hub = new Hub(broker, config, clock, this.#clientLogger);
    this.demoPageKey = config.dev ? randomPageKey() : undefined;
    const demoPage = this.demoPageKey === undefined ? undefined : new DemoPageAccess({
      key: this.demoPageKey,
      hosts: [config.client.host ?? "localhost", ...config.controlHosts],
      port: () => this.#client.port,
    });
    const access = this.#access = new ControlAccess({
      boundHost: config.control.host,
      hosts: config.controlHosts,
      keys: controlKeys,
      demoPage,
    });
    const control = controlRouter({
      ...config,
      hub,
      broker,
      tokens,
      access,
      demoPage,
      bodyLimits: new BodyLimits(config.maxPayloadBytes, clock),
      clock,
      logger,
      healthy: () => this.#client.accepting && this.#control.accepting,
    });
    this.#control = Listener.start("control", config.control, (r) => control.handle(r), logger);
    const client = clientRouter({
      ...config,
      hub,
      tokens: new TokenCache(tokens, TOKEN_CACHE_BYTES),
      clock,
      logger: this.#clientLogger,
      demoPage: config.dev
        ? { controlAddress: this.#control.address, keyed: controlKeys !== undefined }
        : undefined,
    });
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
    const controlKeys = readControlKeys(config);
    const tokens = await TokenAuthority.create(
      secret ?? randomSecret(),
      config.maxChannelsPerToken,
    );
    const broker = await openBroker(config, clock, logger);
    const server = new Server(
      config,
      tokens,
      broker,
      controlKeys,
      clock,
      logger,
    );
    // Not earlier: a start that fails logs its error and nothing else.
    if (secret === undefined) {
      logger.warn(
        "no secret given: using a random one, so tokens are good until this server stops",
      );
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
   * Reads the files of secrets and keys anew. A file that cannot be read, or is wrong, changes nothing;
   * the log says what was read, and what is wrong. Never rejects.
   */
  reload(): Promise<void> {
    // One after the other: of two at once, the one that read first must not be the last to be used.
    return this.#reloading = this.#reloading.then(() =>
      rereadAll(this.#rereadable(), this.#logger)
    );
  }

  #rereadable(): readonly Rereadable[] {
    const parts: Rereadable[] = [];
    if (hasControlKeyFiles(this.#config)) {
      parts.push({ name: "control keys", reread: () => this.#rereadControlKeys() });
    }
    return parts;
  }

  #rereadControlKeys(): number {
    const keys = readControlKeys(this.#config) ?? [];
    this.#access.useKeys(keys);
    return keys.length;
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
