import { type Address, hostWithoutPort, isLoopback, parseAddress } from "./address.ts";
import { UsageError } from "./errors.ts";
import { environmentName, SERVER_OPTIONS } from "./options.ts";

/** How much history a store retains; whatever is past any of the limits is dropped, oldest first. */
export interface Retention {
  readonly eventsPerChannel: number;
  readonly ageMs: number;
  readonly bytesPerChannel: number;
  readonly totalBytes: number;
}

export type LogLevel = "debug" | "info" | "warn" | "error";

export type StoreChoice =
  | { readonly kind: "memory" }
  | { readonly kind: "sqlite"; readonly file: string };

/** A secret as it was configured: the text, or the file that holds it. */
export interface SecretSource {
  readonly text: string | undefined;
  readonly file: string | undefined;
}

/** Everything the server can be told at its start, read and checked. */
export interface Config {
  readonly client: Address;
  readonly control: Address;
  readonly secret: SecretSource;
  readonly store: StoreChoice;
  readonly retention: Retention;
  /** Origins as browsers write them; `"*"` for all, empty for none. */
  readonly corsOrigins: readonly string[] | "*";
  readonly cookie: string;
  /** 0 for no heartbeats. */
  readonly heartbeatMs: number;
  readonly retryMs: number;
  readonly flushWindowMs: number;
  readonly maxBufferBytes: number;
  readonly stallMs: number;
  readonly maxPayloadBytes: number;
  /** Infinity for no limit. */
  readonly maxConnections: number;
  readonly controlKey: SecretSource;
  readonly controlHosts: readonly string[];
  readonly drainMs: number;
  readonly logLevel: LogLevel;
  readonly dev: boolean;
}

type OptionName = typeof SERVER_OPTIONS[number]["name"];

/**
 * Reads the server's settings: a flag wins over its environment variable, that over the default.
 *
 * @param flags values by option name, the last one where a flag came more than once.
 * @param environment looks up one variable.
 * @throws UsageError naming the flag or variable that is wrong.
 */
export function readConfig(
  flags: Readonly<Record<string, readonly string[]>>,
  environment: (name: string) => string | undefined,
): Config {
  const settings = new Settings(flags, environment);
  const config: Config = {
    client: settings.address("bind"),
    control: settings.address("bindctl"),
    secret: settings.secret("secret", "secret-file"),
    store: settings.store("store"),
    retention: {
      eventsPerChannel: settings.whole("history-events", 0),
      ageMs: settings.seconds("history-age"),
      bytesPerChannel: settings.whole("history-bytes", 0),
      totalBytes: settings.whole("history-total-bytes", 0),
    },
    corsOrigins: settings.origins("cors"),
    cookie: settings.cookieName("cookie"),
    heartbeatMs: settings.seconds("heartbeat"),
    retryMs: settings.whole("retry", 1),
    flushWindowMs: settings.whole("flush-window", 0),
    maxBufferBytes: settings.whole("max-buffer", 1),
    stallMs: settings.seconds("stall"),
    maxPayloadBytes: settings.whole("max-payload", 1),
    maxConnections: settings.whole("max-connections", 0) || Infinity,
    controlKey: settings.secret("control-key", "control-key-file"),
    controlHosts: settings.list("control-host").map((name) =>
      hostWithoutPort(name) ?? name.toLowerCase()
    ),
    drainMs: settings.seconds("drain"),
    logLevel: settings.logLevel("log-level"),
    dev: settings.on("dev"),
  };
  const keyed = config.controlKey.text !== undefined ||
    config.controlKey.file !== undefined;
  const open = settings.on("control-open");
  if (!isLoopback(config.control.host) && !keyed && !open) {
    throw new UsageError(
      `Refused ${
        settings.source("bindctl")
      }: others than this machine could reach the control listener. ` +
        "Set -control-key or -control-key-file, or -control-open if the network is closed.",
    );
  }
  return config;
}

/**
 * Reads only where the secret comes from, for a command that needs nothing else.
 *
 * @throws UsageError naming the flag or variable that is wrong.
 */
export function readSecretSource(
  flags: Readonly<Record<string, readonly string[]>>,
  environment: (name: string) => string | undefined,
): SecretSource {
  return new Settings(flags, environment).secret("secret", "secret-file");
}

class Settings {
  readonly #flags: Readonly<Record<string, readonly string[]>>;
  readonly #environment: (name: string) => string | undefined;

  constructor(
    flags: Readonly<Record<string, readonly string[]>>,
    environment: (name: string) => string | undefined,
  ) {
    this.#flags = flags;
    this.#environment = environment;
  }

  /** What the user wrote the value into, for messages. */
  source(name: OptionName): string {
    return this.#flag(name) === undefined && this.#variable(name) !== undefined
      ? environmentName(name)
      : `-${name}`;
  }

  text(name: OptionName): string {
    const standard = SERVER_OPTIONS.find((option) => option.name === name)?.default ?? "";
    return this.#flag(name) ?? this.#variable(name) ?? standard;
  }

  list(name: OptionName): readonly string[] {
    return this.text(name).split(",").map((part) => part.trim()).filter((
      part,
    ) => part !== "");
  }

  address(name: OptionName): Address {
    return parseAddress(this.text(name), this.source(name));
  }

  whole(name: OptionName, least: number): number {
    const value = this.#number(name);
    if (Number.isSafeInteger(value) && value >= least) return value;
    throw this.#wrong(name, `a whole number of at least ${least}`);
  }

  /** A time in seconds, fractions allowed, as milliseconds. */
  seconds(name: OptionName): number {
    const value = this.#number(name);
    // The longest time that a timer of the runtime can hold.
    if (value >= 0 && value * 1000 <= 0x7fffffff) return value * 1000;
    throw this.#wrong(name, "a number of seconds from 0 to 2147483");
  }

  on(name: OptionName): boolean {
    const text = this.text(name);
    if (["", "0", "false"].includes(text)) return false;
    if (["1", "true"].includes(text)) return true;
    throw this.#wrong(name, "true or false");
  }

  /** A text and the file it may come from instead; a flag for one wins over a variable for the other. */
  secret(textName: OptionName, fileName: OptionName): SecretSource {
    const flags = { text: this.#flag(textName), file: this.#flag(fileName) };
    const given = flags.text !== undefined || flags.file !== undefined ? flags : {
      text: this.#variable(textName),
      file: this.#variable(fileName),
    };
    const text = given.text === undefined ? undefined : this.text(textName);
    const file = given.file === undefined ? undefined : this.text(fileName);
    if (text !== undefined && file !== undefined) {
      throw new UsageError(
        `Give ${this.source(textName)} or ${this.source(fileName)}, not both.`,
      );
    }
    if (text === "") throw this.#wrong(textName, "a text that is not empty");
    if (file === "") throw this.#wrong(fileName, "a file name");
    return { text, file };
  }

  store(name: OptionName): StoreChoice {
    const text = this.text(name);
    if (text === "memory") return { kind: "memory" };
    const file = text.startsWith("sqlite:") ? text.slice("sqlite:".length) : "";
    if (file !== "") return { kind: "sqlite", file };
    throw this.#wrong(name, "memory or sqlite:FILE");
  }

  origins(name: OptionName): readonly string[] | "*" {
    const origins = this.list(name);
    if (origins.includes("*")) return "*";
    for (const origin of origins) {
      if (!URL.canParse(origin) || new URL(origin).origin !== origin) {
        throw this.#wrong(
          name,
          `origins like https://example.com, not ${JSON.stringify(origin)}`,
        );
      }
    }
    return origins;
  }

  cookieName(name: OptionName): string {
    const text = this.text(name);
    if (/^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/.test(text)) return text;
    throw this.#wrong(name, "a cookie name");
  }

  logLevel(name: OptionName): LogLevel {
    const text = this.text(name);
    if (
      text === "debug" || text === "info" || text === "warn" || text === "error"
    ) return text;
    throw this.#wrong(name, "debug, info, warn or error");
  }

  #number(name: OptionName): number {
    const text = this.text(name);
    return /^[0-9]+(\.[0-9]+)?$/.test(text) ? Number(text) : NaN;
  }

  #flag(name: OptionName): string | undefined {
    return this.#flags[name]?.at(-1);
  }

  /** An empty variable counts as absent: that is how compose files and units pass on what is not set. */
  #variable(name: OptionName): string | undefined {
    return this.#environment(environmentName(name)) || undefined;
  }

  #wrong(name: OptionName, wanted: string): UsageError {
    return new UsageError(
      `Bad value in ${this.source(name)}: it must be ${wanted}.`,
    );
  }
}
