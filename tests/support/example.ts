/**
 * A program of `examples/`, started as its README says, with a server of the test's own.
 *
 * @module
 */
import { ChildProcess } from "./child_process.ts";
import { lastingPort } from "./lasting_ports.ts";
import { accepts } from "./ports.ts";
import { type Server, startServer } from "./server.ts";
import { PROJECT_ROOT } from "./server_command.ts";
import { TempDir } from "./temp_dir.ts";
import { waitFor } from "./wait.ts";

/** What to run, and what to change in it. */
export interface ExampleSetup {
  /** The folder below `examples/`. */
  readonly name: string;
  /** The program that serves the example's page, and its arguments. */
  readonly command: (place: ExamplePlace) => readonly string[];
  /** Texts in the example's files, and what to write in their place. Each must be there. */
  readonly replace?: (place: ExamplePlace) => Readonly<Record<string, string>>;
}

/** Where the example runs. */
export interface ExamplePlace {
  /** The port of 127.0.0.1 that its page comes from. */
  readonly port: number;
  /** A copy of the example's folder. */
  readonly folder: string;
  /** An empty folder for what the example saves; its environment names it as `TMPDIR`. */
  readonly data: string;
}

/** An example that runs; disposing of it ends its program and its server. */
export interface Example extends AsyncDisposable {
  /** Where its page is. */
  readonly origin: string;
  /** The server that it emits to; it may be stopped and started again. */
  readonly server: Server;
  /** See {@link ExamplePlace.data}. */
  readonly data: string;
}

/** The server's addresses, as the examples' files name them. */
const STREAM_ORIGIN = "http://localhost:8000";
const CONTROL_ORIGIN = "http://127.0.0.1:8001";

/**
 * Starts a server, and an example that uses it.
 *
 * @throws {Error} if either does not start, or a text to replace is not there.
 */
export async function startExample(setup: ExampleSetup): Promise<Example> {
  await using stack = new AsyncDisposableStack();
  const folder = stack.use(await TempDir.make());
  const place = { port: lastingPort(), folder: folder.join("copy"), data: folder.join("data") };
  const origin = `http://127.0.0.1:${place.port}`;
  const server = stack.use(
    await startServer([
      ...["-bind", `127.0.0.1:${lastingPort()}`, "-bindctl", `127.0.0.1:${lastingPort()}`],
      ...["-cors", origin, "-retry", "100"],
    ]),
  );
  await Deno.mkdir(place.data);
  await copyFiles(`${PROJECT_ROOT}examples/${setup.name}`, place.folder, {
    [STREAM_ORIGIN]: server.clientOrigin,
    [CONTROL_ORIGIN]: server.controlOrigin,
    ...setup.replace?.(place),
  });
  const [program = "", ...args] = setup.command(place);
  const env = { ...Deno.env.toObject(), TMPDIR: place.data };
  const site = stack.use(await ChildProcess.spawn(program, args, { env }));
  await waitFor(() => `the example to listen; it wrote:\n${site.stderr.text}`, () => {
    if (site.status) throw new Error(`the example ended: ${site.stderr.text}`);
    return accepts(place.port);
  });
  const running = stack.move();
  return {
    origin,
    server,
    data: place.data,
    [Symbol.asyncDispose]: () => running.disposeAsync(),
  };
}

async function copyFiles(
  from: string,
  to: string,
  replacements: Readonly<Record<string, string>>,
): Promise<void> {
  const unused = new Set(Object.keys(replacements));
  await Deno.mkdir(to);
  for await (const { name } of Deno.readDir(from)) {
    let text = await Deno.readTextFile(`${from}/${name}`);
    for (const [before, after] of Object.entries(replacements)) {
      if (text.includes(before)) unused.delete(before);
      text = text.replaceAll(before, after);
    }
    await Deno.writeTextFile(`${to}/${name}`, text);
  }
  if (unused.size > 0) throw new Error(`no file of ${from} has ${[...unused].join(" or ")}`);
}
