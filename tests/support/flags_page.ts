/**
 * The text of docs/flags.md, made from the tables of options. `deno task docs` writes it; a test fails where the
 * file is another.
 *
 * @module
 */
import {
  describeRange,
  environmentName,
  KEY_OPTIONS,
  type Option,
  SERVER_OPTIONS,
  TOKEN_OPTIONS,
} from "../../src/config/options.ts";

const FILE = new URL("../../docs/flags.md", import.meta.url);

/** Those options of `sse-server token` that are also read from the environment. */
const TOKEN_VARIABLES = ["secret", "secret-file", "max-channels-per-token", "max-token-bytes"];

/** The whole page. */
export function flagsPage(): string {
  return `<!-- Made by deno task docs from the table of options. Change the table, not this page. -->

# Flags

One dash or two, \`-flag value\` or \`-flag=value\`. Each flag of the server is also an environment variable.
The flag wins, and an empty variable counts as absent.

- [Flags of the server](#flags-of-the-server)
- [Flags of \`sse-server token\`](#flags-of-sse-server-token)
- [Flags of \`sse-server key\`](#flags-of-sse-server-key)
- [Flags of \`sse-server health\`](#flags-of-sse-server-health)
- [Values](#values)

## Flags of the server

${table(SERVER_OPTIONS, () => true)}

\`-help\` prints this list, \`-version\` the version.

## Flags of \`sse-server token\`

\`sse-server token\` prints a token without asking a running server.

${table(TOKEN_OPTIONS, ({ name }) => TOKEN_VARIABLES.includes(name))}

## Flags of \`sse-server key\`

\`sse-server key\` prints a new control key, and its line for the file of \`-control-keys\`: see
[http.md](http.md#control-keys).

${table(KEY_OPTIONS, () => false)}

## Flags of \`sse-server health\`

\`sse-server health\` asks a server of this machine for its [health](http.md#get-healthz). It takes every flag and variable of
the server, so that the server's own can be given; it reads those of the control listener's address and key. It prints
\`ok\` and ends with status 0, or with status 1 and one line on stderr that says why not.

## Values

- An address is \`:8000\` (every address of the machine), \`127.0.0.1:8000\`, \`[::1]:8000\`,
  \`localhost:8000\`, or a [Unix socket](running.md#unix-sockets) like \`unix:/run/sse/events.sock,mode=660\`.
- The URL of a Redis is in [cluster.md](cluster.md#the-redis-url-and-user), the choice of a store in
  [running.md](running.md#where-history-is-kept).
- A wrong value ends the server with status 2 and one line on stderr that says what is wrong.
`;
}

function table(options: readonly Option[], hasVariable: (option: Option) => boolean): string {
  const rows = options.map((option) => {
    const value = option.value === undefined ? "" : ` ${option.value}`;
    const variable = hasVariable(option) ? code(environmentName(option.name)) : "";
    const cells = [
      code(option.name, "-") + value,
      variable,
      code(option.default),
      describeRange(option) ?? "",
      option.help,
    ];
    return `| ${cells.map(escape).join(" | ")} |`;
  });
  return [
    "| flag | variable | default | range | meaning |",
    "| --- | --- | --- | --- | --- |",
    ...rows,
  ].join("\n");
}

function code(text: string, before = ""): string {
  return text === "" ? "" : `\`${before}${text}\``;
}

function escape(cell: string): string {
  return cell.replaceAll("|", "\\|");
}

if (import.meta.main) await Deno.writeTextFile(FILE, flagsPage());
