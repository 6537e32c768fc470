/**
 * Both listeners' handlers in the tests' own process: a request in, an answer out, no network between.
 *
 * @module
 */
import { BodyLimits } from "../../src/http/body_limits.ts";
import type { Backups } from "../../src/http/handlers/backup.ts";
import { EmitRates } from "../../src/http/emit_rates.ts";
import { ControlAccess, type ControlAccessOptions } from "../../src/http/control_access.ts";
import { RequestCounts } from "../../src/http/request_counts.ts";
import { DemoPageAccess } from "../../src/http/demo_page_access.ts";
import type { AskHubs } from "../../src/http/handlers/hub_questions.ts";
import type { Route, Router } from "../../src/http/router.ts";
import { Revoker } from "../../src/server/revoker.ts";
import { clientRouter, controlRouter } from "../../src/server/routes.ts";
import { ControlStreams } from "../../src/http/handlers/control_streams.ts";
import { PresenceStreams } from "../../src/http/handlers/presence_streams.ts";
import { ClusterPresence } from "../../src/server/cluster_presence.ts";
import { EventTap } from "../../src/broker/event_tap.ts";
import { LiveStats } from "../../src/server/live_stats.ts";
import type { Broker } from "../../src/broker/broker.ts";
import { noPeers } from "../../src/broker/peers.ts";
import { refusalOf } from "../../src/explain/client_refusal.ts";
import { EvidenceSource } from "../../src/explain/evidence_source.ts";
import { RefusedEmits } from "../../src/explain/refused_emits.ts";
import { StreamJournal } from "../../src/explain/stream_journal.ts";
import { Hub } from "../../src/hub/hub.ts";
import { type PlaceCounts, type StreamLimits, StreamPlaces } from "../../src/hub/stream_places.ts";
import { noClientCounts } from "../../src/hub/server_counts.ts";
import { LocalBroker } from "../../src/broker/local_broker.ts";
import { MemoryLog } from "../../src/broker/memory_log.ts";
import { createActivityLog } from "../../src/observability/activity_log.ts";
import { createLogger } from "../../src/observability/logger.ts";
import { toGrants } from "../../src/auth/channel_grants.ts";
import { type ClaimRules, OWN_FORM } from "../../src/auth/claim_rules.ts";
import { WorkerSilent } from "../../src/lib/errors.ts";
import { TrustedProxies } from "../../src/lib/trusted_proxies.ts";
import type { KeyMaterial } from "../../src/auth/key_material.ts";
import type { RevocationRecord } from "../../src/auth/revocations.ts";
import { isSelected } from "../../src/auth/stream_selection.ts";
import type { TokenAuthority } from "../../src/auth/token_authority.ts";
import { checkDocumented, type ListenerName } from "./documented_answers.ts";
import { FakeClock } from "./fake_clock.ts";
import { makeToken } from "./jwt.ts";
import { authorityWith } from "./token_authority.ts";
import { withDeadline } from "./wait.ts";

/** Where the connections of clients come from. */
export const PEER = "10.1.2.3";

const SECRET = "the secret of in-process listeners";
const RETENTION = { eventsPerChannel: 1000, ageMs: 600_000, bytesPerChannel: 1e7, totalBytes: 1e8 };

const JOURNAL = { entries: 1000, ageMs: 86_400_000 };

/** What a test may set; the rest is as the server has it by default. */
export interface ListenersOptions {
  readonly corsOrigins?: readonly string[] | "*";
  /** See `TrustedProxies`. Default: none. */
  readonly trustedProxies?: readonly string[];
  readonly maxConnections?: number;
  /** Default: none. */
  readonly streamLimits?: Partial<StreamLimits>;
  /** As if other threads had to be asked. */
  readonly placeCounts?: PlaceCounts;
  readonly maxPayloadBytes?: number;
  /** Room for all unfinished bodies together. */
  readonly maxUnfinishedBytes?: number;
  /** Events of each control key. Default: no limit. */
  readonly maxEmitsPerSecond?: number;
  readonly guard?: Partial<ControlAccessOptions>;
  /** Logs single streams and requests too, as at level debug or as with `-dev`. Default: does not. */
  readonly activity?: "debug" | "dev";
  /** As if the store were a Redis. */
  readonly isStoreShared?: boolean;
  /** Default: one secret, which {@link Listeners.token} signs with. */
  readonly keys?: Partial<KeyMaterial>;
  readonly claimRules?: Partial<ClaimRules>;
  /** Names and patterns. Default: none. */
  readonly publicChannels?: readonly string[];
  readonly maxPublicStreams?: number;
  /** The key of the demo page. Default: there is no page. */
  readonly demoPageKey?: string;
  /** Where backups go. Default: nowhere, as without `-backup-dir`. */
  readonly backups?: Backups;
  /** Whether operators see payloads. Default: they do. */
  readonly peek?: boolean;
  /** As if the hub were in a worker that does not answer lists. */
  readonly isWorkerSilent?: boolean;
  /** Stands between the listeners and the real broker. */
  readonly wrapBroker?: (broker: Broker) => Broker;
}

/** Two listeners that share a hub; disposing of them ends every stream. */
export class Listeners implements Disposable {
  readonly clock = new FakeClock();
  readonly hub: Hub;
  readonly access: ControlAccess;
  readonly tokens: TokenAuthority;
  /** Every line of the log so far, at level debug. */
  readonly logLines: string[] = [];
  /** What the health check is told. */
  healthy = true;
  isStopAnnounced = false;
  readonly #client: Router;
  readonly #control: Router;

  private constructor(options: ListenersOptions) {
    const { clock } = this;
    const { keys = { secrets: [SECRET] }, claimRules = {} } = options;
    const maxChannelsPerToken = claimRules.maxChannels ?? 100;
    const tokens = this.tokens = authorityWith(keys, claimRules, { clock });
    const now = () => clock.wall();
    const logger = createLogger("debug", now, (line) => this.logLines.push(line));
    const local = new LocalBroker(new MemoryLog(RETENTION, now), now, logger);
    const broker = options.wrapBroker?.(local) ?? local;
    const activity = options.activity === undefined
      ? {}
      : createActivityLog(logger, options.activity === "dev");
    const timing = { heartbeatMs: 0, stallMs: 0, flushWindowMs: 0, retryMs: 3000 };
    const { maxConnections = Infinity, maxPublicStreams = Infinity } = options;
    const limits = { maxBufferBytes: 1e6, maxConnections, maxPublicStreams };
    const streamLimits = { perUser: Infinity, perAddress: Infinity, ...options.streamLimits };
    const places = StreamPlaces.by(streamLimits, options.placeCounts);
    const journal = new StreamJournal({
      limits: JOURNAL,
      streamLimits,
      clock,
      head: () => broker.head.seq,
    });
    const tap = new EventTap();
    this.hub = new Hub(tap.tapped(broker), { ...timing, ...limits }, clock, logger, [
      journal,
      ...(places ? [places] : []),
    ]);
    this.#client = clientRouter({
      hub: this.hub,
      places,
      tokens,
      maxTokenBytes: claimRules.maxBytes ?? 65_536,
      revocations: broker.revocations.known,
      clock,
      cookie: "sse_token",
      proxies: new TrustedProxies(options.trustedProxies ?? []),
      publicChannels: toGrants(options.publicChannels ?? []),
      maxChannelsPerToken,
      refused: (error, client) => journal.refused(refusalOf(error, client, OWN_FORM.user)),
      corsOrigins: options.corsOrigins ?? [],
      logger,
      activity,
      isReady: () => this.healthy,
      demoPage: options.demoPageKey === undefined
        ? undefined
        : { controlAddress: "127.0.0.1:8001", keyed: options.guard?.keys !== undefined },
    });
    const { maxPayloadBytes = 1_048_576, demoPageKey } = options;
    const demoPage = demoPageKey === undefined
      ? undefined
      : new DemoPageAccess({ key: demoPageKey, clientOrigin: "http://127.0.0.1:8000", hosts: [] });
    this.access = new ControlAccess({
      boundHost: "127.0.0.1",
      hosts: [],
      keys: undefined,
      demoPage,
      ...options.guard,
    });
    const clients = {
      revoke: (records: readonly RevocationRecord[]) =>
        Promise.resolve(this.hub.endRevoked(records)),
    };
    const revoker = new Revoker({ broker, clients, clock, revocationSeconds: 3600 });
    const presences = new ClusterPresence({
      here: (channel) => Promise.resolve([this.hub.presence(channel)]),
      peers: broker.peers,
      clock,
    });
    const presence = (channel: string) => presences.of(channel);
    const controlStreams = new ControlStreams();
    const counts = () =>
      Promise.resolve({ ...noClientCounts(), ...this.hub.counts, published: broker.counts });
    const stats = new LiveStats({ counts, clock, storeFailure: () => broker.unavailableReason });
    const refusedEmits = new RefusedEmits(JOURNAL, clock);
    this.#control = controlRouter({
      refusedEmits,
      evidence: new EvidenceSource({
        askHubs: (user, channel) =>
          Promise.resolve([journal.recordOf(user, channel, this.hub.streams())]),
        refusedEmits,
        peers: noPeers,
        isStoreShared: options.isStoreShared ?? false,
      }),
      controlStreams,
      tap,
      peek: options.peek ?? true,
      takeStats: () => stats.take(),
      greeting: {
        version: "1.2.3",
        clientOrigin: "http://127.0.0.1:8000",
        store: "memory",
        peek: options.peek ?? true,
      },
      counts,
      askHubs: options.isWorkerSilent ? () => Promise.reject(new WorkerSilent()) : askHub(this.hub),
      presence,
      presenceStreams: new PresenceStreams({ presence, controlStreams, clock }),
      broker,
      tokens,
      clock,
      logger,
      activity,
      audience: (...event) => Promise.resolve(this.hub.audience(...event)),
      isStoreShared: options.isStoreShared ?? false,
      access: this.access,
      requests: new RequestCounts(),
      metrics: () => Promise.resolve([]),
      demoPage,
      maxPayloadBytes,
      bodyLimits: new BodyLimits(maxPayloadBytes, clock, options.maxUnfinishedBytes),
      emitRates: options.maxEmitsPerSecond === undefined
        ? undefined
        : new EmitRates(options.maxEmitsPerSecond, clock),
      revoke: (targets) => revoker.revoke(targets),
      revocations: broker.revocations.known,
      disconnect: (selection) =>
        Promise.resolve([
          this.hub.endStreams("disconnected", (claims) => isSelected(selection, claims)),
        ]),
      missingKeys: undefined,
      taken: () => Promise.resolve(true),
      backups: options.backups,
      healthy: () => this.healthy,
      isStopAnnounced: () => this.isStopAnnounced,
    });
  }

  /** Makes both listeners on an empty log. */
  static make(options: ListenersOptions = {}): Promise<Listeners> {
    return Promise.resolve(new Listeners(options));
  }

  /** The routes of a listener. */
  routes(listener: ListenerName): readonly Route[] {
    return (listener === "client" ? this.#client : this.#control).routes;
  }

  /** A token for user alex on channel chat, unless the claims say otherwise. */
  token(claims: Readonly<Record<string, unknown>> = {}): string {
    return makeToken({ userId: "alex", channel: "chat", ...claims }, { secret: SECRET });
  }

  /** Asks the client listener; `target` is a path and a query. It fails for an answer that docs/openapi.yaml does not name. */
  async client(target: string, init: RequestInit = {}): Promise<Response> {
    const request = new Request(`http://127.0.0.1:8000${target}`, init);
    const response = await this.#client.handle(request, {
      completed: Promise.resolve(),
      remoteAddr: { transport: "tcp", hostname: PEER },
    });
    checkDocumented("client", request.method, target, response);
    return response;
  }

  /** Opens a stream with {@link token}. */
  async open(claims: Readonly<Record<string, unknown>> = {}): Promise<OpenBody> {
    const headers = { Authorization: `Bearer ${this.token(claims)}` };
    return new OpenBody(await this.client("/events/", { headers }));
  }

  /** Asks the control listener; `target` is a path and a query. It fails for an answer that docs/openapi.yaml does not name. */
  async control(target: string, init: RequestInit = {}): Promise<Response> {
    const request = new Request(`http://127.0.0.1:8001${target}`, init);
    const response = await this.#control.handle(request);
    checkDocumented("control", request.method, target, response);
    return response;
  }

  /** Posts fields to the control listener, urlencoded. */
  post(target: string, fields: Readonly<Record<string, string>>): Promise<Response> {
    return this.control(target, { method: "POST", body: new URLSearchParams(fields) });
  }

  /** From now on new streams are ended at once. */
  drain(): void {
    this.hub.stopAccepting();
  }

  [Symbol.dispose](): void {
    this.hub.drain();
    this.tokens.close();
  }
}

/** Asks one hub, as if it were all of them. */
function askHub(hub: Hub): AskHubs {
  const { inspector } = hub;
  const answers: Readonly<Record<Parameters<AskHubs>[0], (...args: never[]) => unknown>> = {
    rankStreams: (...which: Parameters<typeof inspector.rankStreams>) =>
      inspector.rankStreams(...which),
    streamDetails: (ids: readonly string[]) => inspector.streamDetails(ids),
    countStreams: (search: string) => inspector.countStreams(search),
    countStreamsOf: (user: string) => inspector.countStreamsOf(user),
    presence: (channel: string) => hub.presence(channel),
  };
  return async (name, ...args) => [await answers[name](...args as unknown as never[])] as never;
}

/** An answer's body that is read as far as a test needs it; disposing of it is leaving. */
export class OpenBody implements AsyncDisposable {
  readonly response: Response;
  readonly #reader: ReadableStreamDefaultReader<string>;
  #text = "";

  /** @throws {Error} if the answer has no body. */
  constructor(response: Response) {
    if (response.body === null) throw new Error("the answer has no body");
    this.response = response;
    this.#reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
  }

  /** What has been read. */
  get text(): string {
    return this.#text;
  }

  /**
   * Reads on until what came matches, and returns the match.
   *
   * @throws {Error} with what came, if the body ends or the deadline passes first.
   */
  async until(pattern: RegExp): Promise<RegExpMatchArray> {
    while (true) {
      const match = this.#text.match(pattern);
      if (match !== null) return match;
      if (await this.#read(`${pattern}`)) continue;
      throw new Error(`the body ended before ${pattern}:\n${this.#text}`);
    }
  }

  /**
   * Reads to the end and returns the whole text.
   *
   * @throws {Error} with what came, if the deadline passes first.
   */
  async toEnd(): Promise<string> {
    while (await this.#read("its end"));
    return this.#text;
  }

  async #read(what: string): Promise<boolean> {
    const described = () => `${what} of a body that brought:\n${this.#text.slice(-2000)}`;
    const { done, value = "" } = await withDeadline(described, this.#reader.read());
    this.#text += value;
    return !done;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#reader.cancel();
  }
}
