import { type Address, hostWithoutPort, isPrivate, isSocket } from "../lib/address.ts";
import { UsageError } from "../lib/errors.ts";
import type { LogLevel } from "../observability/log_line.ts";
import type { LogFormat } from "../observability/logger.ts";
import type { Retention } from "../broker/retention.ts";
import { type ChannelGrants, toGrants } from "../auth/channel_grants.ts";
import type { ClaimPath } from "../auth/claim_path.ts";
import type { ClaimRules } from "../auth/claim_rules.ts";
import { type SecretSource, Settings } from "./settings.ts";
import type { StoreAddress } from "../broker/store_address.ts";
import type { JournalLimits } from "../explain/journal_limits.ts";
import type { HubOptions } from "../hub/hub.ts";
import type { StreamLimits } from "../hub/stream_places.ts";

/** Anybody: whoever connects needs a token, as over a port. */
const CLIENT_SOCKET_MODE = 0o666;

/** The user and the group that the server runs as: whoever may connect may emit. */
const CONTROL_SOCKET_MODE = 0o660;

/** The server's settings, read and checked. */
export interface Config extends HubOptions {
  readonly client: Address;
  readonly control: Address;
  /** Files in PEM; `undefined` for HTTP. */
  readonly tls: { readonly certificate: string; readonly key: string } | undefined;
  /** Threads that the client listener runs in; 1 for the main thread, `auto` for one per core. */
  readonly workers: number | "auto";
  readonly tokenKeys: TokenKeySources;
  readonly claimRules: ClaimRules;
  /** How long a revocation is remembered. */
  readonly revocationSeconds: number;
  /** Channels that need no token. */
  readonly publicChannels: ChannelGrants;
  readonly maxPublicStreams: number;
  readonly store: StoreAddress;
  /** The folder for backups. */
  readonly backupDir: string | undefined;
  /** The prefix of every key in Redis. */
  readonly redisPrefix: string;
  readonly retention: Retention;
  /** Origins as browsers write them; `"*"` for all, empty for none. */
  readonly corsOrigins: readonly string[] | "*";
  readonly cookie: string;
  /** IP addresses and ranges of them. */
  readonly trustedProxies: readonly string[];
  readonly maxPayloadBytes: number;
  /** Of the bodies of control requests; see `BodyLimits`. */
  readonly maxUnfinishedBytes: number;
  /** Of each control key; Infinity for no limit. */
  readonly maxEmitsPerSecond: number;
  /** Infinity for no limit. */
  readonly maxConnections: number;
  readonly streamLimits: StreamLimits;
  readonly maxChannelsPerToken: number;
  readonly maxTokenBytes: number;
  readonly controlKey: SecretSource;
  /** The file of control keys that have names and rights. */
  readonly controlKeys: string | undefined;
  readonly controlHosts: readonly string[];
  /** How much is remembered of streams and emits for explanations. */
  readonly journal: JournalLimits;
  /** Whether operators may see payloads. */
  readonly peek: boolean;
  readonly drainMs: number;
  /** How long a server that was told to stop serves on before it drains. */
  readonly drainDelayMs: number;
  readonly logFormat: LogFormat;
  /** That of the start: it may change while the server runs. */
  readonly logLevel: LogLevel;
  /** The file that holds the log level; it counts in the place of `logLevel`. */
  readonly logLevelFile: string | undefined;
  readonly dev: boolean;
}

/** The keys for tokens, as they were configured: texts, files and addresses. */
export interface TokenKeySources {
  readonly secrets: readonly string[];
  readonly secretFiles: readonly string[];
  readonly publicKeyFiles: readonly string[];
  readonly keySetFiles: readonly string[];
  readonly keySetUrls: readonly string[];
}

/** Whether a key of any kind was configured. */
export function hasKeys(sources: TokenKeySources): boolean {
  return Object.values(sources).some((list) => list.length > 0);
}

/**
 * Reads the server's settings: a flag wins over its environment variable, the variable over the default.
 *
 * @param flags the values of each flag; the last value counts.
 * @param environment looks up one variable.
 * @throws UsageError naming the flag or variable that is wrong.
 */
export function readConfig(
  flags: Readonly<Record<string, readonly string[]>>,
  environment: (name: string) => string | undefined,
): Config {
  const settings = new Settings(flags, environment);
  const config: Config = {
    client: settings.address("bind", CLIENT_SOCKET_MODE),
    control: settings.address("bindctl", CONTROL_SOCKET_MODE),
    tls: readTls(settings),
    workers: settings.workers("workers"),
    tokenKeys: {
      ...settings.secrets("secret", "secret-file"),
      publicKeyFiles: settings.all("public-key"),
      keySetFiles: settings.all("jwks-file"),
      keySetUrls: settings.urls("jwks"),
    },
    claimRules: readClaimRules(settings),
    revocationSeconds: settings.number("revocation-age"),
    publicChannels: toGrants(settings.names("public-channels")),
    maxPublicStreams: settings.number("max-public-streams") || Infinity,
    store: settings.store("store"),
    backupDir: settings.folder("backup-dir"),
    redisPrefix: settings.notEmpty("redis-prefix"),
    retention: {
      eventsPerChannel: settings.number("history-events"),
      ageMs: settings.milliseconds("history-age"),
      bytesPerChannel: settings.number("history-bytes"),
      totalBytes: settings.number("history-total-bytes"),
      maxChannels: settings.number("max-channels") || Infinity,
    },
    corsOrigins: settings.origins("cors"),
    cookie: settings.cookieName("cookie"),
    trustedProxies: settings.addressRanges("trusted-proxies"),
    heartbeatMs: settings.milliseconds("heartbeat"),
    retryMs: settings.number("retry"),
    flushWindowMs: settings.number("flush-window"),
    maxBufferBytes: settings.number("max-buffer"),
    stallMs: settings.milliseconds("stall"),
    maxPayloadBytes: settings.number("max-payload"),
    maxUnfinishedBytes: settings.number("max-unfinished-bytes"),
    maxEmitsPerSecond: settings.number("max-emits-per-second") || Infinity,
    maxConnections: settings.number("max-connections") || Infinity,
    streamLimits: {
      perUser: settings.number("max-streams-per-user") || Infinity,
      perAddress: settings.number("max-streams-per-address") || Infinity,
    },
    maxChannelsPerToken: settings.number("max-channels-per-token"),
    maxTokenBytes: settings.number("max-token-bytes"),
    controlKey: settings.secret("control-key", "control-key-file"),
    controlKeys: settings.file("control-keys"),
    controlHosts: settings.list("control-host").map((name) =>
      hostWithoutPort(name) ?? name.toLowerCase()
    ),
    journal: {
      entries: settings.number("journal-entries"),
      ageMs: settings.milliseconds("journal-age"),
    },
    peek: !settings.on("no-peek"),
    drainMs: settings.milliseconds("drain"),
    drainDelayMs: settings.milliseconds("drain-delay"),
    logFormat: readLogFormat(flags, environment),
    ...settings.logLevel("log-level", "log-level-file"),
    dev: settings.on("dev"),
  };
  const open = settings.on("control-open");
  refuseForSockets(config, settings);
  if (!isPrivate(config.control) && !hasControlKeys(config) && !open) {
    throw new UsageError(
      `Refused ${settings.source("bindctl")}: other machines could reach the control listener. ` +
        "Set -control-keys, -control-key or -control-key-file, or -control-open if the network is closed.",
    );
  }
  if (config.store.kind === "redis" && !hasKeys(config.tokenKeys)) {
    throw new UsageError(
      `Refused ${settings.source("store")} without a secret: each server would make its own, and ` +
        "a token would be valid at only one of them. Give all the same -secret or -secret-file.",
    );
  }
  return config;
}

function readTls(settings: Settings): Config["tls"] {
  const [certificate, key] = [settings.file("tls-cert"), settings.file("tls-key")];
  if (certificate === undefined && key === undefined) return undefined;
  if (certificate !== undefined && key !== undefined) return { certificate, key };
  throw new UsageError("Give -tls-cert and -tls-key together.");
}

/** @throws UsageError for a setting that has no meaning with a Unix socket. */
function refuseForSockets(
  { client, control, workers, tls, dev }: Config,
  settings: Settings,
): void {
  const refuse = (name: "workers" | "tls-cert" | "dev", reason: string) => {
    throw new UsageError(`Refused ${settings.source(name)} with a Unix socket: ${reason}.`);
  };
  if (isSocket(client)) {
    if (workers !== 1) refuse("workers", "several threads can share a port only");
    if (tls !== undefined) refuse("tls-cert", "HTTPS needs a port in -bind");
  }
  if (dev && (isSocket(client) || isSocket(control))) {
    refuse("dev", "the demo page needs ports in -bind and -bindctl");
  }
}

/**
 * Reads how the log is written, for whoever reports that another setting is wrong.
 *
 * @param flags the values of each flag; the last value counts.
 * @param environment looks up one variable.
 * @throws UsageError naming the flag or variable, if it is wrong itself.
 */
export function readLogFormat(
  flags: Readonly<Record<string, readonly string[]>>,
  environment: (name: string) => string | undefined,
): LogFormat {
  return new Settings(flags, environment).logFormat("log-format");
}

/** Whether control requests need a key. */
export function hasControlKeys({ controlKey, controlKeys }: Config): boolean {
  return controlKey.text !== undefined || controlKey.file !== undefined ||
    controlKeys !== undefined;
}

/** The settings for signing a token without a server. */
export interface MintConfig {
  readonly secrets: readonly string[];
  readonly secretFiles: readonly string[];
  readonly claimRules: ClaimRules;
}

/**
 * Reads the settings that `sse-server token` shares with the server.
 *
 * @param flags the values of each flag; the last value counts.
 * @param environment looks up one variable.
 * @throws UsageError naming the flag or variable that is wrong.
 */
export function readMintConfig(
  flags: Readonly<Record<string, readonly string[]>>,
  environment: (name: string) => string | undefined,
): MintConfig {
  const settings = new Settings(flags, environment);
  return {
    ...settings.secrets("secret", "secret-file"),
    claimRules: readClaimRules(settings),
  };
}

/** The settings for asking a server how it is. */
export interface HealthConfig {
  readonly control: Address;
  readonly controlKey: SecretSource;
}

/**
 * Reads the settings of the server that `sse-server health` asks; the others do not matter.
 *
 * @param flags the values of each flag; the last value counts.
 * @param environment looks up one variable.
 * @throws UsageError naming the flag or variable that is wrong.
 */
export function readHealthConfig(
  flags: Readonly<Record<string, readonly string[]>>,
  environment: (name: string) => string | undefined,
): HealthConfig {
  const settings = new Settings(flags, environment);
  const control = settings.address("bindctl", CONTROL_SOCKET_MODE);
  if (isSocket(control) || control.port !== 0) {
    return { control, controlKey: settings.secret("control-key", "control-key-file") };
  }
  throw new UsageError(
    `Refused ${
      settings.source("bindctl")
    }: only the server's log tells the port that 0 stands for.`,
  );
}

/** The claims that have a meaning of their own in every token (RFC 7519, 4.1). */
const REGISTERED = ["iss", "aud", "exp", "nbf", "iat", "jti"];

function readClaimRules(settings: Settings): ClaimRules {
  const user = settings.claim("claim-user");
  const channels = settings.text("claim-channels") === ""
    ? undefined
    : settings.claim("claim-channels");
  const paths = { "claim-user": user, "claim-channels": channels } as const;
  for (const name of ["claim-user", "claim-channels"] as const) {
    const [first = ""] = paths[name]?.names ?? [];
    if (REGISTERED.includes(first)) {
      throw new UsageError(
        `Refused ${settings.source(name)}: the claim ${first} has another meaning.`,
      );
    }
  }
  if (channels !== undefined && (isWithin(user, channels) || isWithin(channels, user))) {
    throw new UsageError(
      `Refused ${settings.source("claim-channels")}: one claim cannot hold both user and channels.`,
    );
  }
  return {
    issuers: settings.all("issuer"),
    audiences: settings.all("audience"),
    leewaySeconds: settings.number("leeway"),
    user,
    channels,
    grants: settings.grants("grant"),
    maxChannels: settings.number("max-channels-per-token"),
    maxBytes: settings.number("max-token-bytes"),
  };
}

/** Whether a claim is another one, or a part of it. */
function isWithin({ names }: ClaimPath, outer: ClaimPath): boolean {
  return outer.names.every((name, index) => names[index] === name);
}
