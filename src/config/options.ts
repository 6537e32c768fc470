/** One setting of the server: a flag, and an environment variable of the same name. */
export interface Option {
  readonly name: string;
  /** What stands for the value in the help; none for a switch. */
  readonly value?: string;
  readonly default: string;
  readonly help: string;
}

/** Every setting of the server, in the order of the help and of docs/flags.md. */
export const SERVER_OPTIONS = [
  {
    name: "bind",
    value: "ADDRESS",
    default: ":8000",
    help: "address for clients; port 0 takes any free port",
  },
  {
    name: "bindctl",
    value: "ADDRESS",
    default: "127.0.0.1:8001",
    help: "address for the control requests of back ends; keep it private",
  },
  {
    name: "secret",
    value: "TEXT",
    default: "",
    help: "signs and verifies tokens; without one, a random secret serves until the server stops",
  },
  {
    name: "secret-file",
    value: "FILE",
    default: "",
    help: "file that holds the secret, so that the secret does not show in ps",
  },
  {
    name: "store",
    value: "STORE",
    default: "memory",
    help:
      "where history is kept: memory, sqlite:FILE to keep it across restarts, or redis://HOST to share it among servers",
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
    default: "1000",
    help: "events retained per channel",
  },
  {
    name: "history-age",
    value: "SECONDS",
    default: "600",
    help: "how long an event, or an idempotency key, is retained",
  },
  {
    name: "history-bytes",
    value: "BYTES",
    default: "16777216",
    help: "bytes of events retained per channel",
  },
  {
    name: "history-total-bytes",
    value: "BYTES",
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
    name: "heartbeat",
    value: "SECONDS",
    default: "15",
    help: "time between the comments that keep idle streams open; 0 for none",
  },
  {
    name: "retry",
    value: "MS",
    default: "3000",
    help: "reconnection time told to clients, varied by up to half so that they return spread out",
  },
  {
    name: "flush-window",
    value: "MS",
    default: "5",
    help:
      "how long events on a busy channel may wait to be sent together; 0 sends each event alone",
  },
  {
    name: "max-buffer",
    value: "BYTES",
    default: "1048576",
    help: "pending bytes per client; beyond that the client is served from history at its own pace",
  },
  {
    name: "stall",
    value: "SECONDS",
    default: "60",
    help:
      "time after which a client that accepts none of its pending bytes is disconnected; 0 for never",
  },
  {
    name: "max-payload",
    value: "BYTES",
    default: "1048576",
    help: "largest payload of an event",
  },
  {
    name: "max-connections",
    value: "N",
    default: "0",
    help: "most open streams; further clients are told to come back later; 0 for no limit",
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
    name: "drain",
    value: "SECONDS",
    default: "10",
    help: "how long to wait for open streams to end on SIGTERM or SIGINT",
  },
  {
    name: "log-level",
    value: "LEVEL",
    default: "info",
    help: "debug, info, warn or error",
  },
  {
    name: "dev",
    default: "",
    help: "for development: print a token and two commands to try",
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
    help: "file that holds the secret",
  },
] as const satisfies readonly Option[];

/** The environment variable that stands for an option where its flag is not given. */
export function environmentName(option: string): string {
  return "SSE_" + option.toUpperCase().replaceAll("-", "_");
}

/** The lines of the help that list options: each flag with its default, then what it does. */
export function describeOptions(options: readonly Option[]): string {
  return options.map((option) => {
    const value = option.value === undefined ? "" : ` ${option.value}`;
    const standard = option.default === "" ? "" : ` (default ${option.default})`;
    return `  -${option.name}${value}\n      ${option.help}${standard}`;
  }).join("\n");
}
