/** The numbers that an option accepts, in the unit that its `value` names. */
export interface NumberRange {
  readonly min: number;
  readonly max: number;
  /** Set if 0 is accepted as well, with a special meaning that the help explains. */
  readonly orZero?: true;
}

/** One setting of the server: a flag, and an environment variable of the same name. */
export interface Option {
  readonly name: string;
  /** The placeholder for the value in the help; absent for a switch. */
  readonly value?: string;
  /** For a number: `SECONDS` may have fractions, all others are whole numbers. */
  readonly range?: NumberRange;
  readonly default: string;
  readonly help: string;
}

/** The longest time of a timer in the runtime: a longer one would fire at once. */
const LONGEST_TIMER_SECONDS = 2_147_483;

/** With a shorter tick, visiting all streams would leave no time for other work. */
const SHORTEST_TICK_SECONDS = 0.05;

/** V8 limits a text to about 2 ** 29 characters, and a body may be several times as long as its payload. */
const LARGEST_PAYLOAD = 2 ** 26;

const GIBIBYTE = 2 ** 30;
const TEBIBYTE = 2 ** 40;

/** A token with more channels would exceed the 64 KB that the runtime accepts for a header or a URL. */
const CHANNELS_PER_TOKEN: NumberRange = { min: 1, max: 10_000 };

/** Less has no room for a user, a channel, the times and an id; the runtime itself refuses headers and URLs that are longer. */
const TOKEN_BYTES: NumberRange = { min: 256, max: 65_536 };

/** Every setting of the server, in the order of the help and of docs/flags.md. */
export const SERVER_OPTIONS = [
  {
    name: "bind",
    value: "ADDRESS",
    default: ":8000",
    help:
      "address for clients; port 0 takes any free port; unix:/run/sse.sock,mode=666 is a Unix socket",
  },
  {
    name: "bindctl",
    value: "ADDRESS",
    default: "127.0.0.1:8001",
    help:
      "address for the control requests of back ends; keep it private, as unix:/run/ctl.sock,mode=660 is",
  },
  {
    name: "tls-cert",
    value: "FILE",
    default: "",
    help: "file that holds a certificate in PEM, read again at SIGHUP: -bind then speaks HTTPS",
  },
  {
    name: "tls-key",
    value: "FILE",
    default: "",
    help: "file that holds the key of -tls-cert in PEM, read again at SIGHUP",
  },
  {
    name: "workers",
    value: "COUNT",
    default: "1",
    help: "threads that serve clients, or auto for one per processor core; on Linux only",
  },
  {
    name: "secret",
    value: "TEXT",
    default: "",
    help:
      "signs and verifies tokens; repeatable: the first signs, all verify; without any key, the server uses a random secret until it stops",
  },
  {
    name: "secret-file",
    value: "FILE",
    default: "",
    help: "file that holds secrets, one a line, so that they do not show in ps; repeatable",
  },
  {
    name: "jwks",
    value: "URL",
    default: "",
    help: "address of an issuer's key set, whose tokens are accepted; repeatable",
  },
  {
    name: "jwks-file",
    value: "FILE",
    default: "",
    help: "file that holds a key set; repeatable",
  },
  {
    name: "public-key",
    value: "FILE",
    default: "",
    help: "file that holds public keys in PEM, which verify tokens; repeatable",
  },
  {
    name: "issuer",
    value: "TEXT",
    default: "",
    help: "what iss must be in every token; repeatable: one of them",
  },
  {
    name: "audience",
    value: "TEXT",
    default: "",
    help: "what aud must name in every token; repeatable: one of them",
  },
  {
    name: "leeway",
    value: "SECONDS",
    range: { min: 0, max: 3600 },
    default: "0",
    help: "how far the clock of an issuer may be off",
  },
  {
    name: "revocation-age",
    value: "SECONDS",
    range: { min: 1, max: 315_576_000 },
    default: "2592000",
    help: "how long revoked tokens are refused: at least as long as your tokens last",
  },
  {
    name: "claim-user",
    value: "CLAIM",
    default: "userId",
    help: "claim that holds the user's name, or a JSON Pointer to it",
  },
  {
    name: "claim-channels",
    value: "CLAIM",
    default: "",
    help:
      "claim that holds channels, or a JSON Pointer to it: an array, or a text with spaces between them; without this flag it is channel, where a text is one channel",
  },
  {
    name: "grant",
    value: "CHANNEL",
    default: "",
    help:
      "channel, or pattern, that every valid token grants, with claims filled in, such as user.{sub}; repeatable",
  },
  {
    name: "public-channels",
    value: "NAMES",
    default: "",
    help: "channels, or patterns, that may be heard without a token, comma separated",
  },
  {
    name: "max-public-streams",
    value: "N",
    range: { min: 0, max: 10_000_000 },
    default: "1000",
    help:
      "most open streams without a token; further clients are told to come back later; 0 for no limit",
  },
  {
    name: "store",
    value: "STORE",
    default: "memory",
    help:
      "where history is kept: memory, sqlite:FILE to keep it across restarts, or redis://HOST to share it among servers",
  },
  {
    name: "backup-dir",
    value: "DIR",
    default: "",
    help: "folder that POST /backup/ may write copies of the SQLite store into",
  },
  {
    name: "redis-prefix",
    value: "TEXT",
    default: "sse:",
    help: "prefix of every key in Redis; servers with the same prefix share one log",
  },
  {
    name: "history-events",
    value: "N",
    range: { min: 0, max: 1_000_000_000 },
    default: "1000",
    help: "events retained per channel",
  },
  {
    name: "history-age",
    value: "SECONDS",
    range: { min: 0, max: LONGEST_TIMER_SECONDS },
    default: "600",
    help: "how long an event, or an idempotency key, is retained",
  },
  {
    name: "history-bytes",
    value: "BYTES",
    range: { min: 0, max: TEBIBYTE },
    default: "16777216",
    help: "bytes of events retained per channel",
  },
  {
    name: "history-total-bytes",
    value: "BYTES",
    range: { min: 0, max: TEBIBYTE },
    default: "268435456",
    help: "bytes of events retained over all channels",
  },
  {
    name: "cors",
    value: "ORIGINS",
    default: "",
    help: "origins whose pages may connect, comma separated, or * for every origin",
  },
  {
    name: "cookie",
    value: "NAME",
    default: "sse_token",
    help: "name of the cookie that may carry the token",
  },
  {
    name: "trusted-proxies",
    value: "ADDRESSES",
    default: "",
    help:
      "proxies whose X-Forwarded-For tells where a client is: addresses, ranges like 10.0.0.0/8, and unix for those on a Unix socket, comma separated; without it, the other end of a connection counts as the client",
  },
  {
    name: "heartbeat",
    value: "SECONDS",
    range: { min: SHORTEST_TICK_SECONDS, max: 3600, orZero: true },
    default: "15",
    help: "time between the comments that keep idle streams open; 0 for none",
  },
  {
    name: "retry",
    value: "MS",
    range: { min: 1, max: 3_600_000 },
    default: "3000",
    help: "reconnection time told to clients, varied by up to half so that they return spread out",
  },
  {
    name: "flush-window",
    value: "MS",
    range: { min: 0, max: 60_000 },
    default: "5",
    help:
      "how long events on a busy channel may wait to be sent together; 0 sends each event alone",
  },
  {
    name: "max-buffer",
    value: "BYTES",
    range: { min: 1, max: GIBIBYTE },
    default: "1048576",
    help: "pending bytes per client; beyond that the client is served from history at its own pace",
  },
  {
    name: "stall",
    value: "SECONDS",
    range: { min: SHORTEST_TICK_SECONDS, max: 86_400, orZero: true },
    default: "60",
    help:
      "time after which a client that accepts none of its pending bytes is disconnected; 0 for never",
  },
  {
    name: "max-payload",
    value: "BYTES",
    range: { min: 1, max: LARGEST_PAYLOAD },
    default: "1048576",
    help: "largest payload of an event",
  },
  {
    name: "max-unfinished-bytes",
    value: "BYTES",
    range: { min: 1, max: TEBIBYTE },
    default: "268435456",
    help:
      "bytes of unfinished bodies over 64 KiB of control requests, together; there is always room for four of the largest",
  },
  {
    name: "max-emits-per-second",
    value: "N",
    range: { min: 0, max: 1_000_000 },
    default: "0",
    help:
      "most events that each control key may emit in a second: further emits, and lines of NDJSON, get 429; 0 for no limit",
  },
  {
    name: "max-channels",
    value: "N",
    range: { min: 0, max: 1_000_000_000 },
    default: "0",
    help: "most channels with retained events; emits to further ones are refused; 0 for no limit",
  },
  {
    name: "max-connections",
    value: "N",
    range: { min: 0, max: 10_000_000 },
    default: "0",
    help: "most open streams; further clients are told to come back later; 0 for no limit",
  },
  {
    name: "max-streams-per-user",
    value: "N",
    range: { min: 0, max: 10_000_000 },
    default: "0",
    help:
      "most open streams of one user; further clients are told to come back later; 0 for no limit",
  },
  {
    name: "max-streams-per-address",
    value: "N",
    range: { min: 0, max: 10_000_000 },
    default: "0",
    help:
      "most open streams from one address, or from one /64 of IPv6; further clients are told to come back later; behind a proxy it needs -trusted-proxies; 0 for no limit",
  },
  {
    name: "max-channels-per-token",
    value: "N",
    range: CHANNELS_PER_TOKEN,
    default: "100",
    help: "most channels that one token may name",
  },
  {
    name: "max-token-bytes",
    value: "BYTES",
    range: TOKEN_BYTES,
    default: String(TOKEN_BYTES.max),
    help: "longest token that is looked at",
  },
  {
    name: "control-key",
    value: "TEXT",
    default: "",
    help: "key that every control request must send as Authorization: Bearer TEXT",
  },
  {
    name: "control-key-file",
    value: "FILE",
    default: "",
    help: "file that holds the control key",
  },
  {
    name: "control-keys",
    value: "FILE",
    default: "",
    help: "file of named control keys with fewer rights, as sse-server key makes them",
  },
  {
    name: "control-host",
    value: "NAMES",
    default: "",
    help: "additional Host names to accept in control requests, without ports, comma separated",
  },
  {
    name: "control-open",
    default: "",
    help: "allow -bindctl on an address beyond this machine without a control key",
  },
  {
    name: "journal-entries",
    value: "N",
    range: { min: 0, max: 10_000_000 },
    default: "10000",
    help:
      "ended streams, refused clients and refused emits that each thread remembers for /explain/; 0 for none",
  },
  {
    name: "journal-age",
    value: "SECONDS",
    range: { min: 1, max: LONGEST_TIMER_SECONDS },
    default: "86400",
    help: "how long they are remembered",
  },
  {
    name: "no-peek",
    default: "",
    help: "show operators no payloads: the tail of a channel leaves them out",
  },
  {
    name: "drain",
    value: "SECONDS",
    range: { min: 0, max: 86_400 },
    default: "10",
    help: "how long to wait for open streams to end on SIGTERM or SIGINT",
  },
  {
    name: "drain-delay",
    value: "SECONDS",
    range: { min: 0, max: 86_400 },
    default: "0",
    help:
      "how long to keep serving before draining, while /readyz says 503: time for a balancer to notice",
  },
  {
    name: "log-level",
    value: "LEVEL",
    default: "info",
    help: "debug, info, warn or error; debug names each stream, emit and refusal",
  },
  {
    name: "log-level-file",
    value: "FILE",
    default: "",
    help: "file that holds the log level, read again at SIGHUP",
  },
  {
    name: "log-format",
    value: "FORMAT",
    default: "text",
    help: "text for people, or json for the tools that collect logs: one object a line",
  },
  {
    name: "dev",
    default: "",
    help: "for development: print a token and two commands to try, and serve a demo page at /",
  },
] as const satisfies readonly Option[];

/** The settings of `sse-server token`. */
export const TOKEN_OPTIONS = [
  { name: "userId", value: "NAME", default: "", help: "user that the token is for" },
  {
    name: "channel",
    value: "NAME",
    default: "",
    help: "channel to subscribe to; repeat the flag for several",
  },
  {
    name: "exp",
    value: "SECONDS",
    default: "",
    help: "seconds from now until the token expires",
  },
  { name: "secret", value: "TEXT", default: "", help: "the server's secret" },
  {
    name: "secret-file",
    value: "FILE",
    default: "",
    help: "file that holds the secret; of several lines, the first",
  },
  {
    name: "max-channels-per-token",
    value: "N",
    range: CHANNELS_PER_TOKEN,
    default: "100",
    help: "the server's own limit, so that it accepts the token",
  },
  {
    name: "max-token-bytes",
    value: "BYTES",
    range: TOKEN_BYTES,
    default: String(TOKEN_BYTES.max),
    help: "the server's own limit, so that it accepts the token",
  },
  { name: "issuer", value: "TEXT", default: "", help: "the server's, if it has one" },
  { name: "audience", value: "TEXT", default: "", help: "the server's, if it has one" },
  { name: "claim-user", value: "CLAIM", default: "userId", help: "the server's" },
  { name: "claim-channels", value: "CLAIM", default: "", help: "the server's, if it has one" },
] as const satisfies readonly Option[];

/** The settings of `sse-server key`. */
export const KEY_OPTIONS = [
  { name: "name", value: "NAME", default: "", help: "what the log calls the key" },
  {
    name: "may",
    value: "RIGHT",
    default: "",
    help:
      "emit:CHANNELS, token:CHANNELS, read, steer or all; CHANNELS is a channel, orders.* or *; repeat the flag for several",
  },
] as const satisfies readonly Option[];

/** The environment variable of an option, which counts if its flag is not given. */
export function environmentName(option: string): string {
  return "SSE_" + option.toUpperCase().replaceAll("-", "_");
}

/** The range of an option, such as `0.05 to 3600, or 0`; `undefined` for an option that is not a number. */
export function describeRange({ range }: Option): string | undefined {
  if (range === undefined) return undefined;
  return `${range.min} to ${range.max}${range.orZero ? ", or 0" : ""}`;
}

/** The lines of the help that list options: each flag, then what it does, its default and its range. */
export function describeOptions(options: readonly Option[]): string {
  return options.map((option) => {
    const value = option.value === undefined ? "" : ` ${option.value}`;
    const standard = option.default === "" ? undefined : `default ${option.default}`;
    const notes = [standard, describeRange(option)].filter((note) => note !== undefined);
    const shown = notes.length === 0 ? "" : ` (${notes.join("; ")})`;
    return `  -${option.name}${value}\n      ${option.help}${shown}`;
  }).join("\n");
}
