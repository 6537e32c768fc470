import type { KeyMaterial } from "../auth/key_material.ts";
import type { RevocationRecord, Revocations } from "../auth/revocations.ts";
import { isSelected, type StreamSelection } from "../auth/stream_selection.ts";
import { TokenAuthority } from "../auth/token_authority.ts";
import { TokenCache } from "../auth/token_cache.ts";
import type { EventFeed } from "../broker/broker.ts";
import { type Config, hasControlKeys } from "../config/config.ts";
import { refusalOf } from "../explain/client_refusal.ts";
import type { UserRecord } from "../explain/records.ts";
import { StreamJournal } from "../explain/stream_journal.ts";
import type { Audience } from "../hub/audience.ts";
import type { StreamCounters } from "../hub/connection_counter.ts";
import { Hub } from "../hub/hub.ts";
import type { ClientCounts } from "../hub/server_counts.ts";
import { type PlaceCounts, StreamPlaces } from "../hub/stream_places.ts";
import type { HubInspector } from "../hub/hub_inspector.ts";
import type { Presence } from "../hub/presence.ts";
import { isSocket, showAddress } from "../lib/address.ts";
import type { Clock } from "../lib/clock.ts";
import { TrustedProxies } from "../lib/trusted_proxies.ts";
import { REFUSAL_CODES, TokenRefused } from "../lib/errors.ts";
import { newTally } from "../lib/tally.ts";
import { createActivityLog } from "../observability/activity_log.ts";
import type { DemoPageSettings } from "../http/handlers/demo_page.ts";
import { LimitedLogger } from "../observability/limited_logger.ts";
import type { LogLevel } from "../observability/log_line.ts";
import type { AdjustableLogger } from "../observability/logger.ts";
import { Listener } from "./listener.ts";
import { clientRouter } from "./routes.ts";
import { ThreadMeter } from "./thread_meter.ts";
import type { TlsCertificate } from "./tls_certificate.ts";

/** Room for 40,000 tokens of one channel: more streams than one thread can serve. */
const TOKEN_CACHE_BYTES = 20 * 1024 * 1024;

/**
 * What the control side can ask about the streams. Arguments and answers are plain data: they may come
 * from other threads.
 */
export interface ClientQueries {
  /** What was counted so far; from the first call on, how late the event loop is too. */
  counts(): ClientCounts;
  /** See `Hub.audience`. */
  audience(channel: string, user: string): Audience;
  /** See `Hub.presence`. */
  presence(channel: string): Presence;
  /** See `HubInspector`, as for the three below. */
  rankStreams: HubInspector["rankStreams"];
  streamDetails: HubInspector["streamDetails"];
  countStreams: HubInspector["countStreams"];
  countStreamsOf: HubInspector["countStreamsOf"];
  /** See `TokenAuthority.missingKeys`. */
  missingKeys(): readonly string[];
  /** Refuses these tokens from now on, and ends their streams; returns how many. */
  revoke(records: readonly RevocationRecord[]): number;
  /** Ends streams whose clients may come back; returns how many. */
  disconnect(selection: StreamSelection): number;
  /** Answered at once; see `ClientSide.taken`. */
  ping(): true;
  /** See `StreamJournal.recordOf`. */
  userRecord(user: string, channel: string): UserRecord;
}

/** What one of {@link ClientQueries} answers, at once or later. */
export type ClientAnswer<Name extends keyof ClientQueries> = Awaited<
  ReturnType<ClientQueries[Name]>
>;

/** The client listener and the streams of its subscribers: in this thread, or in worker threads. */
export interface ClientSide {
  /** The address as it is bound, with the real port. */
  readonly address: string;
  /** Whether connections are accepted now. */
  readonly accepting: boolean;
  /** What all hubs have counted. None of it but what is of now ever goes down. */
  counts(): Promise<ClientCounts>;
  /** Asks each hub. @throws WorkerSilent if one does not answer in time, because the others are not the whole. */
  ask<Name extends keyof ClientQueries>(
    name: Name,
    ...args: Parameters<ClientQueries[Name]>
  ): Promise<readonly ClientAnswer<Name>[]>;
  /**
   * Refuses these tokens from now on, and ends their streams.
   *
   * @returns how many; `undefined` if one hub did not answer in time. It ends its streams all the same.
   */
  revoke(records: readonly RevocationRecord[]): Promise<number | undefined>;
  /**
   * Resolves once every hub has taken what it was told before; to false if one has not in time. Messages to a
   * thread keep their order, so whoever answers has taken them.
   */
  taken(): Promise<boolean>;
  /** Verifies tokens with other keys from now on; ends the streams whose key is gone. */
  useKeys(keys: KeyMaterial): void;
  /** Shows another certificate to new connections; see `Listener.useCertificate`. */
  useCertificate(certificate: TlsCertificate): void;
  /** Logs from this level on. */
  useLogLevel(level: LogLevel): void;
  /** Says that it is not ready from now on; everything else goes on. */
  announceStop(): void;
  /** Accepts no client from now on; resolves once every stream has ended. */
  stopAccepting(): Promise<void>;
  /** Sends what is pending, then ends every stream; events that are published later reach nobody. */
  drain(): void;
  /** Frees what is left once the streams have ended; threads are ended with what they have. */
  close(): Promise<void>;
}

/** What one client listener works with: plain data, so that it can be sent to a worker thread. */
export interface ClientSettings {
  readonly config: Config;
  /** Files that were checked: a thread cannot refuse them. */
  readonly keys: KeyMaterial;
  /** Checked, too; `undefined` for HTTP. */
  readonly certificate: TlsCertificate | undefined;
  /** See {@link ClientSide.announceStop}. Default: the server goes on. */
  readonly isStopAnnounced?: boolean;
}

/** What else it works with. */
export interface ClientDeps {
  readonly feed: EventFeed;
  readonly clock: Clock;
  readonly logger: AdjustableLogger;
  /** What is refused from the start; more of it comes with `revoke`. */
  readonly revocations: Revocations;
  /** Set if other threads listen on the same port. */
  readonly shared?: StreamCounters;
  /** Counts streams by user and by address with those of other threads. Default: there are none. */
  readonly placeCounts?: PlaceCounts;
}

interface LocalClientsParts {
  readonly hub: Hub;
  readonly journal: StreamJournal;
  readonly tokens: TokenAuthority;
  readonly listener: Listener;
  readonly logger: AdjustableLogger;
  readonly limitedLogger: LimitedLogger;
  readonly refused: ClientCounts["tokensRefused"];
  readonly meter: ThreadMeter;
  readonly revoke: ClientQueries["revoke"];
  readonly announceStop: () => void;
}

/** A client listener and its hub in this thread. */
export class LocalClients implements ClientSide {
  readonly #hub: Hub;
  readonly #journal: StreamJournal;
  readonly #tokens: TokenAuthority;
  readonly #listener: Listener;
  readonly #logger: AdjustableLogger;
  /** For lines about single streams and requests. */
  readonly #limitedLogger: LimitedLogger;
  readonly #refused: ClientCounts["tokensRefused"];
  readonly #meter: ThreadMeter;
  readonly #revoke: ClientQueries["revoke"];
  readonly #announceStop: () => void;

  private constructor(parts: LocalClientsParts) {
    const { hub, journal, tokens, listener, logger, limitedLogger, refused, meter, revoke } = parts;
    this.#announceStop = parts.announceStop;
    this.#hub = hub;
    this.#journal = journal;
    this.#tokens = tokens;
    this.#listener = listener;
    this.#logger = logger;
    this.#limitedLogger = limitedLogger;
    this.#refused = refused;
    this.#meter = meter;
    this.#revoke = revoke;
  }

  /**
   * Starts the listener.
   *
   * @throws StartError if the address cannot be used.
   */
  static start(settings: ClientSettings, deps: ClientDeps): LocalClients {
    const { config, keys, certificate } = settings;
    const { feed, clock, shared, placeCounts, revocations } = deps;
    const logger = new LimitedLogger(deps.logger, clock);
    const { streamLimits } = config;
    const journal = new StreamJournal({
      limits: config.journal,
      streamLimits,
      clock,
      head: () => feed.head.seq,
    });
    const isKept = config.journal.entries > 0;
    const places = StreamPlaces.by(streamLimits, placeCounts);
    const observers = [...(isKept ? [journal] : []), ...(places ? [places] : [])];
    const hub = new Hub(feed, config, clock, logger, observers, shared);
    const endStreams = () => hub.endStreams("key gone", (claims) => !tokens.hasKeyOf(claims));
    const tokens: TokenAuthority = new TokenAuthority(keys, config.claimRules, clock, {
      // A moment later: a token that was verified before has its stream by then.
      changed: () => setTimeout(endStreams),
      failed: (url, reason) => deps.logger.warn("key set not fetched", { url, reason }),
      fetched: (url) => deps.logger.info("key set fetched", { url }),
    });
    const refused = newTally(REFUSAL_CODES);
    let { isStopAnnounced = false } = settings;
    const router = clientRouter({
      ...config,
      proxies: new TrustedProxies(config.trustedProxies),
      hub,
      places,
      tokens: new TokenCache(tokens, TOKEN_CACHE_BYTES),
      revocations,
      clock,
      logger,
      activity: createActivityLog(logger, config.dev),
      onRefusal: (error) => {
        if (error instanceof TokenRefused) refused[error.code]++;
      },
      demoPage: config.dev ? demoPageSettings(config) : undefined,
      isReady: () => listener.accepting && !isStopAnnounced && tokens.missingKeys.length === 0,
      ...(isKept && {
        refused: (error, client) =>
          journal.refused(refusalOf(error, client, config.claimRules.user)),
      }),
    });
    const listener: Listener = Listener.start({
      name: "client",
      address: config.client,
      handler: (request, info) => router.handle(request, info),
      logger: deps.logger,
      isShared: shared !== undefined,
      certificate,
    });
    const revoke = (records: readonly RevocationRecord[]) => {
      revocations.add(records, clock.wall() / 1000);
      return hub.endRevoked(records);
    };
    const meter = new ThreadMeter(clock);
    return new LocalClients({
      hub,
      journal,
      tokens,
      listener,
      logger: deps.logger,
      limitedLogger: logger,
      refused,
      meter,
      revoke,
      announceStop: () => {
        isStopAnnounced = true;
      },
    });
  }

  get address(): string {
    return this.#listener.address;
  }

  get accepting(): boolean {
    return this.#listener.accepting;
  }

  /** Answers for this hub alone. */
  get queries(): ClientQueries {
    const hub = this.#hub;
    const journal = this.#journal;
    const tokens = this.#tokens;
    return {
      counts: () => {
        this.#meter.start();
        return this.lastCounts;
      },
      audience: (channel, user) => hub.audience(channel, user),
      presence: (channel) => hub.presence(channel),
      rankStreams: (...which) => hub.inspector.rankStreams(...which),
      streamDetails: (ids) => hub.inspector.streamDetails(ids),
      countStreams: (search) => hub.inspector.countStreams(search),
      countStreamsOf: (user) => hub.inspector.countStreamsOf(user),
      missingKeys: () => tokens.missingKeys,
      revoke: this.#revoke,
      disconnect: (selection) =>
        hub.endStreams("disconnected", (claims) => isSelected(selection, claims)),
      ping: () => true,
      userRecord: (user, channel) => journal.recordOf(user, channel, hub.streams()),
    };
  }

  /** What it has counted, without beginning to look at the event loop. */
  get lastCounts(): ClientCounts {
    const tokensRefused = { ...this.#refused };
    const thread = { ...this.#meter.counts, workers: 1, workersDied: 0 };
    return { ...this.#hub.counts, tokensRefused, ...thread };
  }

  counts(): Promise<ClientCounts> {
    return Promise.resolve(this.queries.counts());
  }

  ask<Name extends keyof ClientQueries>(
    name: Name,
    ...args: Parameters<ClientQueries[Name]>
  ): Promise<readonly ClientAnswer<Name>[]> {
    return Promise.all([answer(this.queries, name, args)]);
  }

  revoke(records: readonly RevocationRecord[]): Promise<number> {
    return Promise.resolve(this.#revoke(records));
  }

  taken(): Promise<boolean> {
    return Promise.resolve(true);
  }

  useKeys(keys: KeyMaterial): void {
    this.#tokens.useKeys(keys);
  }

  useCertificate(certificate: TlsCertificate): void {
    this.#listener.useCertificate(certificate);
  }

  useLogLevel(level: LogLevel): void {
    this.#logger.level = level;
  }

  announceStop(): void {
    this.#announceStop();
  }

  async stopAccepting(): Promise<void> {
    this.#hub.stopAccepting();
    await this.#listener.stop();
  }

  drain(): void {
    this.#hub.drain();
  }

  close(): Promise<void> {
    this.#meter.stop();
    this.#tokens.close();
    this.#limitedLogger.flush();
    return Promise.resolve();
  }
}

/** Answers one query, whose name and arguments may have come from another thread. */
export function answer<Name extends keyof ClientQueries>(
  queries: ClientQueries,
  name: Name,
  args: Parameters<ClientQueries[Name]>,
): Promise<ClientAnswer<Name>> | ClientAnswer<Name> {
  type Query = (
    ...args: Parameters<ClientQueries[Name]>
  ) => Promise<ClientAnswer<Name>> | ClientAnswer<Name>;
  const query = queries[name] as Query;
  return query(...args);
}

/** The client listener as a URL: of a socket, as a proxy on this machine would have it. */
export function clientOriginOf({ tls, client }: Config, { address }: ClientSide): string {
  return `${tls ? "https" : "http"}://${isSocket(client) ? "localhost" : address}`;
}

function demoPageSettings(config: Config): DemoPageSettings {
  return { controlAddress: showAddress(config.control, "::"), keyed: hasControlKeys(config) };
}
