/** One setting of the server: a flag, and an environment variable of the same name. */
export interface Option {
  readonly name: string;
  /** What stands for the value in the help; none for a switch. */
  readonly value?: string;
  readonly default: string;
  readonly help: string;
}

/** Every setting of the server, in the order of the help and of the README. */
export const SERVER_OPTIONS = [
  {
    name: "bind",
    value: "ADDRESS",
    default: ":8000",
    help: "where clients connect; port 0 takes any free one",
  },
  {
    name: "bindctl",
    value: "ADDRESS",
    default: "127.0.0.1:8001",
    help: "where back ends send control requests; keep it private",
  },
  {
    name: "secret",
    value: "TEXT",
    default: "",
    help: "signs and verifies tokens; without one a random secret lasts until the server stops",
  },
  {
    name: "secret-file",
    value: "FILE",
    default: "",
    help: "read the secret from a file, so that it does not show in ps",
  },
  {
    name: "store",
    value: "STORE",
    default: "memory",
    help:
      "where history lives: memory, sqlite:FILE to keep it across restarts, or redis://HOST to share it among servers",
  },
  {
    name: "redis-prefix",
    value: "TEXT",
    default: "sse:",
    help: "what every key in Redis begins with; servers with the same prefix are one",
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
    help: "origins whose pages may connect, comma separated, or * for all",
  },
  {
    name: "cookie",
    value: "NAME",
    default: "sse_token",
    help: "cookie in which a client may send its token",
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
    help:
      "reconnection time told to clients, give or take half so that they do not return all at once",
  },
  {
    name: "flush-window",
    value: "MS",
    default: "5",
    help: "how long events on a busy channel may wait to be sent together; 0 sends each alone",
  },
  {
    name: "max-buffer",
    value: "BYTES",
    default: "1048576",
    help: "unsent bytes per client, past which it is fed from history at its own pace",
  },
  {
    name: "stall",
    value: "SECONDS",
    default: "60",
    help: "a client that takes none of its waiting bytes for so long is cut",
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
    help: "open streams at most, later clients are told to come back; 0 for no limit",
  },
  {
    name: "control-key",
    value: "TEXT",
    default: "",
    help: "asks every control request for Authorization: Bearer TEXT",
  },
  {
    name: "control-key-file",
    value: "FILE",
    default: "",
    help: "read the control key from a file",
  },
  {
    name: "control-host",
    value: "NAMES",
    default: "",
    help: "further Host names that control requests may use, without ports, comma separated",
  },
  {
    name: "control-open",
    default: "",
    help: "allow -bindctl beyond this machine without a control key",
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
  { name: "userId", value: "NAME", default: "", help: "whom the token is for" },
  {
    name: "channel",
    value: "NAME",
    default: "",
    help: "what it may hear; repeat the flag for several channels",
  },
  {
    name: "exp",
    value: "SECONDS",
    default: "",
    help: "seconds from now until it expires",
  },
  { name: "secret", value: "TEXT", default: "", help: "the server's secret" },
  {
    name: "secret-file",
    value: "FILE",
    default: "",
    help: "read the secret from a file",
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
