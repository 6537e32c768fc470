import type { KeyMaterial } from "../auth/key_material.ts";
import type { RevocationRecord, Revocations } from "../auth/revocations.ts";
import { isSelected, type StreamSelection } from "../auth/stream_selection.ts";
import { TokenAuthority } from "../auth/token_authority.ts";
import { TokenCache } from "../auth/token_cache.ts";
import type { EventFeed } from "../broker/broker.ts";
import { type Config, hasControlKeys } from "../config/config.ts";
import type { Audience } from "../hub/audience.ts";
import type { Census } from "../hub/census.ts";
import type { StreamCounters } from "../hub/connection_counter.ts";
import { Hub } from "../hub/hub.ts";
import { formatAddress } from "../lib/address.ts";
import type { Clock } from "../lib/clock.ts";
import { createActivityLog } from "../observability/activity_log.ts";
import type { DemoPageSettings } from "../http/handlers/demo_page.ts";
import { LimitedLogger } from "../observability/limited_logger.ts";
import type { Logger } from "../observability/logger.ts";
import { Listener } from "./listener.ts";
import { clientRouter } from "./routes.ts";

/** Room for 40,000 tokens of one channel: more streams than one thread can serve. */
const TOKEN_CACHE_BYTES = 20 * 1024 * 1024;

/**
 * What the control side can ask about the streams. Arguments and answers are plain data: they may come
 * from other threads.
 */
export interface ClientQueries {
  census(): Census;
  /** See `Hub.audience`. */
  audience(channel: string, user: string): Audience;
  /** See `TokenAuthority.missingKeys`. */
  missingKeys(): readonly string[];
  /** Refuses these tokens from now on, and ends their streams; returns how many. */
  revoke(records: readonly RevocationRecord[]): number;
  /** Ends streams whose clients may come back; returns how many. */
  disconnect(selection: StreamSelection): number;
}

/** The client listener and the streams of its subscribers: in this thread, or in worker threads. */
export interface ClientSide {
  /** The address as it is bound, with the real port. */
  readonly address: string;
  /** Whether connections are accepted now. */
  readonly accepting: boolean;
  /** The streams so far, of all hubs. */
  census(): Promise<Census>;
  /** Asks each hub; `undefined` if one does not answer in time, because the others are not the whole. */
  ask<Name extends keyof ClientQueries>(
    name: Name,
    ...args: Parameters<ClientQueries[Name]>
  ): Promise<readonly ReturnType<ClientQueries[Name]>[] | undefined>;
  /**
   * Refuses these tokens from now on, and ends their streams.
   *
   * @returns how many; `undefined` if one hub did not answer in time. It ends its streams all the same.
   */
  revoke(records: readonly RevocationRecord[]): Promise<number | undefined>;
  /** Verifies tokens with other keys from now on; ends the streams whose key is gone. */
  useKeys(keys: KeyMaterial): void;
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
}

/** What else it works with. */
export interface ClientDeps {
  readonly feed: EventFeed;
  readonly clock: Clock;
  readonly logger: Logger;
  /** What is refused from the start; more of it comes with `revoke`. */
  readonly revocations: Revocations;
  /** Set if other threads listen on the same port. */
  readonly shared?: StreamCounters;
}

/** A client listener and its hub in this thread. */
export class LocalClients implements ClientSide {
  readonly #hub: Hub;
  readonly #tokens: TokenAuthority;
  readonly #listener: Listener;
  readonly #logger: LimitedLogger;
  readonly #revoke: ClientQueries["revoke"];

  private constructor(
    hub: Hub,
    tokens: TokenAuthority,
    listener: Listener,
    logger: LimitedLogger,
    revoke: ClientQueries["revoke"],
  ) {
    this.#hub = hub;
    this.#tokens = tokens;
    this.#listener = listener;
    this.#logger = logger;
    this.#revoke = revoke;
  }

  /**
   * Starts the listener.
   *
   * @throws StartError if the address cannot be used.
   */
  static start({ config, keys }: ClientSettings, deps: ClientDeps): LocalClients {
    const { feed, clock, shared, revocations } = deps;
    const logger = new LimitedLogger(deps.logger, clock);
    const hub = new Hub(feed, config, clock, logger, [], shared);
    const endStreams = () => hub.endStreams("key gone", (claims) => !tokens.hasKeyOf(claims));
    const tokens: TokenAuthority = new TokenAuthority(keys, config.claimRules, clock, {
      // A moment later: a token that was verified before has its stream by then.
      changed: () => setTimeout(endStreams),
      failed: (url, reason) => deps.logger.warn("key set not fetched", { url, reason }),
      fetched: (url) => deps.logger.info("key set fetched", { url }),
    });
    const router = clientRouter({
      ...config,
      hub,
      tokens: new TokenCache(tokens, TOKEN_CACHE_BYTES),
      revocations,
      clock,
      logger,
      activity: createActivityLog(logger, config.logLevel, config.dev),
      demoPage: config.dev ? demoPageSettings(config) : undefined,
    });
    const listener = Listener.start({
      name: "client",
      address: config.client,
      handler: (request, info) => router.handle(request, info),
      logger: deps.logger,
      isShared: shared !== undefined,
    });
    const revoke = (records: readonly RevocationRecord[]) => {
      revocations.add(records, clock.wall() / 1000);
      return hub.endRevoked(records);
    };
    return new LocalClients(hub, tokens, listener, logger, revoke);
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
    const tokens = this.#tokens;
    return {
      census: () => hub.census,
      audience: (channel, user) => hub.audience(channel, user),
      missingKeys: () => tokens.missingKeys,
      revoke: this.#revoke,
      disconnect: (selection) =>
        hub.endStreams("disconnected", (claims) => isSelected(selection, claims)),
    };
  }

  census(): Promise<Census> {
    return Promise.resolve(this.#hub.census);
  }

  ask<Name extends keyof ClientQueries>(
    name: Name,
    ...args: Parameters<ClientQueries[Name]>
  ): Promise<readonly ReturnType<ClientQueries[Name]>[]> {
    return Promise.resolve([answer(this.queries, name, args)]);
  }

  revoke(records: readonly RevocationRecord[]): Promise<number> {
    return Promise.resolve(this.#revoke(records));
  }

  useKeys(keys: KeyMaterial): void {
    this.#tokens.useKeys(keys);
  }

  async stopAccepting(): Promise<void> {
    this.#hub.stopAccepting();
    await this.#listener.stop();
  }

  drain(): void {
    this.#hub.drain();
  }

  close(): Promise<void> {
    this.#tokens.close();
    this.#logger.flush();
    return Promise.resolve();
  }
}

/** Answers one query, whose name and arguments may have come from another thread. */
export function answer<Name extends keyof ClientQueries>(
  queries: ClientQueries,
  name: Name,
  args: Parameters<ClientQueries[Name]>,
): ReturnType<ClientQueries[Name]> {
  type Query = (...args: Parameters<ClientQueries[Name]>) => ReturnType<ClientQueries[Name]>;
  const query = queries[name] as Query;
  return query(...args);
}

function demoPageSettings(config: Config): DemoPageSettings {
  const { host, port } = config.control;
  return { controlAddress: formatAddress(host ?? "::", port), keyed: hasControlKeys(config) };
}
