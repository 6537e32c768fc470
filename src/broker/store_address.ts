import { formatAddress } from "../lib/address.ts";

/** The chosen store, and its address. */
export type StoreAddress =
  | { readonly kind: "memory" }
  | { readonly kind: "sqlite"; readonly file: string }
  | RedisAddress;

/** The address of a Redis server. */
export interface RedisAddress {
  readonly kind: "redis";
  readonly host: string;
  readonly port: number;
  readonly tls: boolean;
  readonly database: number;
  readonly user: string | undefined;
  readonly password: string | undefined;
}

const REDIS_FORM = "redis://[USER:PASSWORD@]HOST[:PORT][/DATABASE], with rediss:// for TLS " +
  "and @ : / # ? % in a password as %40 %3A %2F %23 %3F %25";

/**
 * Reads `memory`, `sqlite:FILE`, or the URL of a Redis server
 * (https://www.iana.org/assignments/uri-schemes/prov/redis).
 *
 * @returns the address, or a message that says what the text must be; the message never repeats the
 *   text, which may contain a password.
 */
export function parseStore(text: string): StoreAddress | string {
  if (text === "memory") return { kind: "memory" };
  if (text.startsWith("sqlite:") && text !== "sqlite:") {
    return { kind: "sqlite", file: text.slice("sqlite:".length) };
  }
  const authority = /^redis[a-z+-]*:\/\/([^/]*)/i.exec(text)?.[1];
  if (authority === undefined) return `memory, sqlite:FILE or ${REDIS_FORM}`;
  if (/^redis[a-z+-]*(cluster|sentinel)/i.test(text) || authority.includes(",")) {
    return `one Redis server: Cluster and Sentinel are not supported. Write it as ${REDIS_FORM}`;
  }
  return parseRedisUrl(text) ?? REDIS_FORM;
}

function parseRedisUrl(text: string): RedisAddress | undefined {
  const url = URL.parse(text);
  if (url === null || !/^rediss?:$/.test(url.protocol) || url.hostname === "") return undefined;
  const database = /^(?:\/([0-9]{0,4}))?$/.exec(url.pathname);
  if (database === null || url.search !== "" || url.hash !== "") return undefined;
  try {
    return {
      kind: "redis",
      host: url.hostname.replace(/^\[(.*)\]$/, "$1"),
      port: url.port === "" ? 6379 : Number(url.port),
      tls: url.protocol === "rediss:",
      database: Number(database[1] ?? 0),
      user: decodeURIComponent(url.username) || undefined,
      password: decodeURIComponent(url.password) || undefined,
    };
  } catch {
    return undefined; // A stray % in the user or the password.
  }
}

/** The store's name in log lines; without the password. */
export function describeStore(store: StoreAddress, redisPrefix: string): string {
  switch (store.kind) {
    case "memory":
      return "memory";
    case "sqlite":
      return `sqlite:${store.file}`;
    case "redis": {
      const address = formatAddress(store.host, store.port);
      return `${store.tls ? "rediss" : "redis"}://${address}/${store.database} ${redisPrefix}*`;
    }
  }
}
