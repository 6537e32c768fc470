/** The numbers that an option takes, in the unit that its `value` names. */
export interface NumberRange {
  readonly min: number;
  readonly max: number;
  /** Whether 0 is taken as well, with a meaning of its own that the help tells. */
  readonly orZero?: true;
}

/** One setting of the server: a flag, and an environment variable of the same name. */
export interface Option {
  readonly name: string;
  /** What stands for the value in the help; none for a switch. */
  readonly value?: string;
  /** For an option that is a number: `SECONDS` may have fractions, all others are whole. */
  readonly range?: NumberRange;
  readonly default: string;
  readonly help: string;
}

/** The longest time that a timer of the runtime can hold: past 2 ** 31 ms it would fire at once. */
const LONGEST_TIMER_SECONDS = 2_147_483;

/** More often, looking after all streams would leave no time for anything else. */
const SHORTEST_TICK_SECONDS = 0.05;

/** A body may be several times as large as its payload, and is a text, whose length V8 limits to 2 ** 29. */
const LARGEST_PAYLOAD = 2 ** 26;

const GIBIBYTE = 2 ** 30;
const TEBIBYTE = 2 ** 40;

/** A token of more is longer than the 64 KB that the runtime takes for a header or an address. */
const CHANNELS_PER_TOKEN: NumberRange = { min: 1, max: 10_000 };

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
    name: "max-connections",
    value: "N",
    range: { min: 0, max: 10_000_000 },
    default: "0",
    help: "most open streams; further clients are told to come back later; 0 for no limit",
  },
  {
    name: "max-channels-per-token",
    value: "N",
    range: CHANNELS_PER_TOKEN,
    default: "100",
    help: "most channels that one token may name",
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
    range: { min: 0, max: 86_400 },
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
  {
    name: "max-channels-per-token",
    value: "N",
    range: CHANNELS_PER_TOKEN,
    default: "100",
    help: "the server's, which accepts no token of more",
  },
] as const satisfies readonly Option[];

/** The environment variable that stands for an option where its flag is not given. */
export function environmentName(option: string): string {
  return "SSE_" + option.toUpperCase().replaceAll("-", "_");
}

/** The numbers that an option takes, such as `0.05 to 3600, or 0`; `undefined` for one that is no number. */
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
