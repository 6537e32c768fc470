import manifest from "../../deno.json" with { type: "json" };
import type { ControlKey } from "../auth/control_keys.ts";
import type { TokenAuthority } from "../auth/token_authority.ts";
import type { Broker } from "../broker/broker.ts";
import type { EventTap } from "../broker/event_tap.ts";
import { describeStore } from "../broker/store_address.ts";
import type { Config } from "../config/config.ts";
import { EvidenceSource } from "../explain/evidence_source.ts";
import { RefusedEmits } from "../explain/refused_emits.ts";
import { BodyLimits } from "../http/body_limits.ts";
import { ControlAccess } from "../http/control_access.ts";
import { DemoPageAccess } from "../http/demo_page_access.ts";
import { EmitRates } from "../http/emit_rates.ts";
import { ControlStreams } from "../http/handlers/control_streams.ts";
import { PresenceStreams } from "../http/handlers/presence_streams.ts";
import { RequestCounts } from "../http/request_counts.ts";
import { joinAudiences } from "../hub/audience.ts";
import { isSocket } from "../lib/address.ts";
import type { Clock } from "../lib/clock.ts";
import { unlessSilent } from "../lib/unless_silent.ts";
import { createActivityLog } from "../observability/activity_log.ts";
import { LimitedLogger } from "../observability/limited_logger.ts";
import type { Logger } from "../observability/logger.ts";
import type { BackupFolder } from "./backup_folder.ts";
import { clientOriginOf, type ClientSide } from "./client_side.ts";
import { ClusterPresence } from "./cluster_presence.ts";
import { Listener } from "./listener.ts";
import { LiveStats } from "./live_stats.ts";
import { serverMetrics } from "./metric_families.ts";
import { Revoker } from "./revoker.ts";
import { type ControlRouteDeps, controlRouter } from "./routes.ts";
import { randomPageKey } from "./secrets.ts";

/** What the control side works with. */
export interface ControlDeps {
  readonly config: Config;
  readonly broker: Broker;
  /** What the broker hands out, for whoever follows a channel here. */
  readonly tap: EventTap;
  readonly clients: ClientSide;
  readonly tokens: TokenAuthority;
  /** `undefined` where no key is asked for. */
  readonly keys: readonly ControlKey[] | undefined;
  /** Set with `-backup-dir`. */
  readonly backups: BackupFolder | undefined;
  readonly clock: Clock;
  readonly logger: Logger;
}

/** The control listener, and what its requests work with. Always in the main thread. */
export class ControlSide {
  /** The key of the demo page; `undefined` without `-dev`. */
  readonly demoPageKey: string | undefined;
  readonly #listener: Listener;
  readonly #access: ControlAccess;
  readonly #streams = new ControlStreams();
  #isStopAnnounced = false;
  /** For lines about single requests. */
  readonly #logger: LimitedLogger;

  private constructor(deps: ControlDeps) {
    const { config, clients, keys, clock, logger } = deps;
    this.#logger = new LimitedLogger(logger, clock);
    this.demoPageKey = config.dev ? randomPageKey() : undefined;
    const demoPage = this.demoPageKey === undefined ? undefined : new DemoPageAccess({
      key: this.demoPageKey,
      clientOrigin: clientOriginOf(config, clients),
      hosts: config.controlHosts,
    });
    this.#access = new ControlAccess({
      // A program that connects to a socket says localhost; a proxy before it may pass on any name.
      boundHost: isSocket(config.control) ? "localhost" : config.control.host,
      hosts: config.controlHosts,
      keys,
      demoPage,
    });
    const router = controlRouter({ ...this.#routeDeps(deps), access: this.#access, demoPage });
    this.#listener = Listener.start({
      name: "control",
      address: config.control,
      handler: (request) => router.handle(request),
      logger,
    });
  }

  /**
   * Starts the listener.
   *
   * @throws StartError if the address cannot be used.
   */
  static start(deps: ControlDeps): ControlSide {
    return new ControlSide(deps);
  }

  /** The address as it is bound, with the real port. */
  get address(): string {
    return this.#listener.address;
  }

  /** Takes these keys and no other from now on; streams whose key is gone end. */
  useKeys(keys: readonly ControlKey[]): void {
    this.#access.useKeys(keys);
  }

  /** Says that the server is not ready from now on; everything else goes on. */
  announceStop(): void {
    this.#isStopAnnounced = true;
  }

  /** Ends the operators' streams and accepts no request from now on; resolves once the last has its answer. */
  stop(): Promise<void> {
    this.#streams.close();
    return this.#listener.stop();
  }

  /** Writes what the log still owes. */
  close(): void {
    this.#logger.flush();
  }

  #routeDeps(deps: ControlDeps): Omit<ControlRouteDeps, "access" | "demoPage"> {
    const { config, broker, clients, clock } = deps;
    const requests = new RequestCounts();
    const bodyLimits = BodyLimits.ofServer(config, clock);
    const { maxEmitsPerSecond } = config;
    const emitRates = maxEmitsPerSecond === Infinity
      ? undefined
      : new EmitRates(maxEmitsPerSecond, clock);
    const counts = async () => ({ ...await clients.counts(), published: broker.counts });
    const isStoreShared = config.store.kind === "redis";
    return {
      ...config,
      ...deps,
      ...this.#questions(deps, isStoreShared),
      isStoreShared,
      bodyLimits,
      emitRates,
      activity: createActivityLog(this.#logger, config.dev),
      counts,
      requests,
      metrics: serverMetrics({
        counts,
        broker,
        controlRequests: requests,
        bodyLimits,
        emitRates,
        clock,
      }),
      takeStats: liveStats(counts, deps),
      greeting: {
        version: manifest.version,
        clientOrigin: clientOriginOf(config, clients),
        store: describeStore(config.store, config.redisPrefix),
        peek: config.peek,
      },
      controlStreams: this.#streams,
      healthy: () => clients.accepting && this.#listener.accepting,
      isStopAnnounced: () => this.#isStopAnnounced,
    };
  }

  /** What requests ask of the streams here, of other servers, and what they change there. */
  #questions({ config, broker, clients, clock }: ControlDeps, isStoreShared: boolean) {
    const revoker = new Revoker({ ...config, broker, clients, clock });
    const presences = new ClusterPresence({
      here: (channel) => clients.ask("presence", channel),
      peers: broker.peers,
      clock,
    });
    const presence = (channel: string) => presences.of(channel);
    const refusedEmits = new RefusedEmits(config.journal, clock);
    const evidence = new EvidenceSource({
      askHubs: (...question) => clients.ask("userRecord", ...question),
      refusedEmits,
      peers: broker.peers,
      isStoreShared,
    });
    return {
      askHubs: (name, ...args) => clients.ask(name, ...args),
      audience: async (...event) => {
        const audiences = await unlessSilent(clients.ask("audience", ...event));
        return audiences && joinAudiences(audiences);
      },
      missingKeys: config.tokenKeys.keySetUrls.length === 0 ? undefined : async () => {
        const reasons = await unlessSilent(clients.ask("missingKeys"));
        return [...new Set(reasons?.flat() ?? ["a worker thread does not answer"])];
      },
      taken: () => clients.taken(),
      presence,
      presenceStreams: new PresenceStreams({ presence, controlStreams: this.#streams, clock }),
      refusedEmits,
      evidence,
      revoke: (targets) => revoker.revoke(targets),
      revocations: broker.revocations.known,
      disconnect: (selection) => clients.ask("disconnect", selection),
    } satisfies Partial<ControlRouteDeps>;
  }
}

function liveStats(
  counts: ControlRouteDeps["counts"],
  { broker, clock }: ControlDeps,
): ControlRouteDeps["takeStats"] {
  const stats = new LiveStats({ counts, clock, storeFailure: () => broker.unavailableReason });
  return () => stats.take();
}
