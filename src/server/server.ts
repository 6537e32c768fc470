import type { Broker } from "../broker/broker.ts";
import { describeStore } from "../broker/store_address.ts";
import type { KeyMaterial } from "../auth/key_material.ts";
import { TokenAuthority } from "../auth/token_authority.ts";
import type { Config } from "../config/config.ts";
import { isSocket } from "../lib/address.ts";
import type { Clock } from "../lib/clock.ts";
import { within } from "../lib/deadline.ts";
import { EventTap } from "../broker/event_tap.ts";
import { isWritten, type LogFields } from "../observability/log_line.ts";
import type { AdjustableLogger } from "../observability/logger.ts";
import { BackupFolder } from "./backup_folder.ts";
import {
  clientOriginOf,
  type ClientSettings,
  type ClientSide,
  LocalClients,
} from "./client_side.ts";
import { ControlSide } from "./control_side.ts";
import { countWorkers } from "./count_workers.ts";
import { reserveAddress } from "./listener.ts";
import { openBroker } from "./open_broker.ts";
import { readLogLevel } from "./read_log_level.ts";
import { hasControlKeyFiles, readControlKeys } from "./read_control_keys.ts";
import { type Rereadable, rereadAll } from "./reread.ts";
import { isShort } from "./secrets.ts";
import { requireUnusedSocket } from "./socket_file.ts";
import { readTlsCertificate, type TlsFiles, validityOf, warnOfDates } from "./tls_certificate.ts";
import { openWhenThere } from "./store_wait.ts";
import { TokenKeys } from "./token_keys.ts";
import { type WorkerOptions, WorkerPool } from "./worker_pool.ts";

/** How long open control requests may keep a stopping server from ending its streams. */
const CONTROL_PATIENCE_MS = 1000;

/** How a server is started, besides its settings; those for workers are for tests. */
export interface StartOptions extends WorkerOptions {
  /** Aborted when the server is to stop, although it may not have started. Default: never. */
  readonly giveUp?: AbortSignal | undefined;
  /** Called each time that the store was found away, some seconds apart. Default: nothing. */
  readonly foundAway?: () => void;
}

/** What a server is made of. */
interface ServerParts {
  readonly config: Config;
  readonly keys: TokenKeys;
  readonly tokens: TokenAuthority;
  readonly broker: Broker;
  /** Set with `-backup-dir`. */
  readonly backups: BackupFolder | undefined;
  readonly clients: ClientSide;
  readonly control: ControlSide;
  readonly clock: Clock;
  readonly logger: AdjustableLogger;
}

/** A running server: a control listener, and a client listener in this thread or in worker threads. */
export class Server {
  /** Signs; the client side verifies. */
  readonly tokens: TokenAuthority;
  readonly #config: Config;
  readonly #keys: TokenKeys;
  readonly #broker: Broker;
  readonly #backups: BackupFolder | undefined;
  readonly #logger: AdjustableLogger;
  readonly #clients: ClientSide;
  readonly #control: ControlSide;
  readonly #clock: Clock;

  private constructor(parts: ServerParts) {
    this.tokens = parts.tokens;
    this.#config = parts.config;
    this.#keys = parts.keys;
    this.#broker = parts.broker;
    this.#backups = parts.backups;
    this.#logger = parts.logger;
    this.#clients = parts.clients;
    this.#control = parts.control;
    this.#clock = parts.clock;
  }

  /**
   * Opens the store and both listeners, and logs their addresses.
   *
   * While the store is away, both listeners say so; see `openWhenThere`.
   *
   * @throws StartError if any of that fails, StartGivenUp if it is told to stop before that.
   */
  static async start(
    given: Config,
    clock: Clock,
    logger: AdjustableLogger,
    { giveUp, foundAway, ...workerOptions }: StartOptions = {},
  ): Promise<Server> {
    const logLevel = logger.level = readLogLevel(given);
    // The demo page, which comes from worker threads too, must know the port before it is listened on.
    const address = given.dev && !isSocket(given.control)
      ? reserveAddress("control", given.control)
      : given.control;
    const config = { ...given, control: address, logLevel };
    const keys = new TokenKeys(config.tokenKeys);
    const material = keys.read();
    const tokens = new TokenAuthority(withoutFetching(material), config.claimRules, clock);
    const controlKeys = readControlKeys(config);
    const backups = config.backupDir === undefined
      ? undefined
      : BackupFolder.open(config.backupDir, clock);
    const certificate = config.tls && readTlsCertificate(config.tls);
    const settings = { config, keys: material, certificate };
    const machine = { cores: navigator.hardwareConcurrency, system: Deno.build.os };
    const workers = countWorkers(config.workers, machine, logger);
    if (isSocket(config.client)) await requireUnusedSocket("client", config.client);
    if (isSocket(address)) await requireUnusedSocket("control", address);
    const broker = await openWhenThere(
      () => openBroker(config, workers, clock, logger),
      { settings, clock, logger, giveUp, foundAway },
    );
    const tap = new EventTap();
    let clients: ClientSide | undefined;
    let control: ControlSide;
    try {
      const deps = { broker, tap, clock, logger };
      const options = { ...workerOptions, giveUp };
      clients = await startClients(settings, workers, deps, options);
      control = ControlSide.start({
        ...deps,
        config,
        clients,
        tokens,
        keys: controlKeys,
        backups,
      });
    } catch (error) {
      await clients?.stopAccepting();
      await clients?.close();
      await broker.close();
      throw error;
    }
    const parts = { config, keys, tokens, broker, backups, clients, control, clock, logger };
    const server = new Server(parts);
    // Not earlier: a start that fails logs its error and nothing else.
    if (keys.isRandom) {
      logger.warn(
        "no secret given: using a random one, so tokens are good until this server stops",
      );
    }
    if (material.secrets.some(isShort)) {
      logger.warn("short secret", {
        needs: "32 bytes for HS256 (RFC 7518, 3.2)",
        make: "openssl rand -base64 32",
      });
    }
    if (certificate !== undefined) warnOfDates(certificate, clock.wall(), logger);
    server.#logStart(workers);
    return server;
  }

  /** The key of the demo page; `undefined` without `-dev`. */
  get demoPageKey(): string | undefined {
    return this.#control.demoPageKey;
  }

  get clientAddress(): string {
    return this.#clients.address;
  }

  /** The address with its scheme, as programs on this machine may write it. */
  get clientOrigin(): string {
    return clientOriginOf(this.#config, this.#clients);
  }

  get controlAddress(): string {
    return this.#control.address;
  }

  /**
   * Reads the files of the log level, of keys for tokens, of control keys and of TLS again, and fetches key sets
   * again. A file that cannot be read, or is wrong, changes nothing; the log says what was read, and what is
   * wrong. Never throws.
   */
  reload(): void {
    const logger = this.#logger;
    const parts: Rereadable[] = [];
    // First, so that it counts for the lines about the others.
    if (this.#config.logLevelFile !== undefined) {
      parts.push({
        reread: () => this.#rereadLogLevel(),
        failed: (fields) => logger.error("log level not reread, the old one stays", fields),
      });
    }
    if (this.#keys.canChange) {
      parts.push({
        reread: () => logger.info("token keys reread", this.#rereadTokenKeys()),
        failed: (fields) => logger.error("token keys not reread, the old ones stay", fields),
      });
    }
    if (hasControlKeyFiles(this.#config)) {
      parts.push({
        reread: () => logger.info("control keys reread", this.#rereadControlKeys()),
        failed: (fields) => logger.error("control keys not reread, the old ones stay", fields),
      });
    }
    const { tls } = this.#config;
    if (tls !== undefined) {
      parts.push({
        reread: () => logger.info("certificate reread", this.#rereadCertificate(tls)),
        failed: (fields) => logger.error("certificate not reread, the old one stays", fields),
      });
    }
    rereadAll(parts, logger);
  }

  /** Its line is written if either level lets it: who turns the log down wants to see that it worked. */
  #rereadLogLevel(): void {
    const logger = this.#logger;
    const was = logger.level;
    const now = readLogLevel(this.#config);
    if (isWritten(was, now)) logger.level = now;
    logger.info("log level reread", { was, now });
    logger.level = now;
    this.#clients.useLogLevel(now);
  }

  /** Streams whose key is gone end. */
  #rereadTokenKeys(): LogFields {
    const keys = this.#keys.read();
    this.tokens.useKeys(withoutFetching(keys));
    this.#clients.useKeys(keys);
    const { secrets, publicKeys, keySets, keySetUrls } = keys;
    return {
      secrets: secrets.length,
      files: publicKeys.length + keySets.length,
      addresses: keySetUrls.length,
    };
  }

  #rereadControlKeys(): LogFields {
    const keys = readControlKeys(this.#config) ?? [];
    this.#control.useKeys(keys);
    return { keys: keys.length };
  }

  #rereadCertificate(files: TlsFiles): LogFields {
    const certificate = readTlsCertificate(files);
    this.#clients.useCertificate(certificate);
    warnOfDates(certificate, this.#clock.wall(), this.#logger);
    return validityOf(certificate);
  }

  /** Says on `/readyz` that it is not ready, so that balancers send no more clients. Everything else goes on. */
  announceStop(): void {
    this.#clients.announceStop();
    this.#control.announceStop();
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
    this.#control.close();
    await this.#clients.close();
    await this.#backups?.close();
    await this.#broker.close();
    return inTime;
  }

  async #drain(): Promise<void> {
    const { drainMs } = this.#config;
    const clientStopped = this.#clients.stopAccepting();
    // A back end that never finishes its request must not keep the streams from ending.
    await isDoneWithin(Math.min(CONTROL_PATIENCE_MS, drainMs / 2), this.#control.stop());
    this.#clients.drain();
    await clientStopped;
  }

  #logStart(workers: number): void {
    const { store, redisPrefix, retention } = this.#config;
    this.#logger.info("history", {
      store: describeStore(store, redisPrefix),
      events: retention.eventsPerChannel,
      seconds: retention.ageMs / 1000,
    });
    const scheme = this.#config.tls && { scheme: "https" };
    const client = { listener: "client", address: this.clientAddress, ...scheme };
    this.#logger.info("listening", workers === 1 ? client : { ...client, workers });
    this.#logger.info("listening", { listener: "control", address: this.controlAddress });
  }
}

/** What both kinds of client side work with. */
interface ClientsDeps {
  readonly broker: Broker;
  readonly tap: EventTap;
  readonly clock: Clock;
  readonly logger: AdjustableLogger;
}

async function startClients(
  settings: ClientSettings,
  workers: number,
  deps: ClientsDeps,
  options: WorkerOptions & Pick<StartOptions, "giveUp">,
): Promise<ClientSide> {
  if (workers > 1) return await WorkerPool.start(settings, workers, { ...deps, ...options });
  // In this thread, where it costs least.
  const { broker, tap, clock, logger } = deps;
  const revocations = broker.revocations.known;
  return LocalClients.start(settings, { feed: tap.tapped(broker), clock, logger, revocations });
}

/** The keys for the control side, which verifies no token: files are checked here, before others get them. */
function withoutFetching(keys: KeyMaterial): KeyMaterial {
  return { ...keys, keySetUrls: [] };
}

/** Whether something is done within a time; waits no longer than that. */
function isDoneWithin(ms: number, done: Promise<void>): Promise<boolean> {
  return within(ms, done.then(() => true), () => false);
}
