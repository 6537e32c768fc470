import type { Address } from "../../../src/lib/address.ts";
import { StartError } from "../../../src/lib/errors.ts";
import { createLogger } from "../../../src/observability/logger.ts";
import { type Handler, Listener } from "../../../src/server/listener.ts";
import { requireUnusedSocket } from "../../../src/server/socket_file.ts";
import { assert, assertEquals, assertMatch, assertRejects } from "../../support/assert.ts";
import { TempDir } from "../../support/temp_dir.ts";

const ANY_PORT = { host: "127.0.0.1", port: 0 };

const answerOk: Handler = () => Promise.resolve(new Response("OK"));

function start(address: Address = ANY_PORT, handler = answerOk): Listener {
  const lines: string[] = [];
  const logger = createLogger("debug", () => 0, (line) => lines.push(line));
  return Listener.start({ name: "client", address, handler, logger });
}

async function ask(listener: Listener): Promise<string> {
  return await (await fetch(`http://${listener.address}/`)).text();
}

Deno.test("a listener knows the port that it was given, and answers there until it is stopped", async () => {
  const listener = start();
  assertMatch(listener.address, /^127\.0\.0\.1:[1-9][0-9]*$/);
  assertEquals([await ask(listener), listener.accepting], ["OK", true]);
  await listener.stop();
  assertEquals(listener.accepting, false);
  await assertRejects(() => ask(listener), /./);
});

Deno.test("a listener that is stopped still answers earlier requests", async () => {
  const asked = Promise.withResolvers<void>();
  const answer = Promise.withResolvers<Response>();
  const listener = start(ANY_PORT, () => {
    asked.resolve();
    return answer.promise;
  });
  const request = ask(listener);
  await asked.promise;
  const stopped = listener.stop();
  assertEquals(listener.accepting, false);
  answer.resolve(new Response("late"));
  assertEquals(await request, "late");
  await stopped;
});

Deno.test("a listener that cannot start says which address, which listener, and why", async () => {
  const first = start();
  const port = Number(first.address.split(":")[1]);
  const cases = [
    [{ host: "127.0.0.1", port }, `127.0.0.1:${port} (client listener): the address is in use.`],
    [
      { host: "192.0.2.1", port: 0 },
      "192.0.2.1:0 (client listener): the address is not this machine's.",
    ],
  ] as const;
  for (const [address, expected] of cases) {
    let error: unknown;
    try {
      await start(address).stop();
    } catch (thrown) {
      error = thrown;
    }
    assert(error instanceof StartError, `a failed start, not ${error}`);
    assertEquals(error.message, `Cannot listen on ${expected}`);
  }
  await first.stop();
});

async function askSocket(path: string): Promise<string> {
  using client = Deno.createHttpClient({ proxy: { transport: "unix", path } });
  return await (await fetch("http://localhost/", { client })).text();
}

Deno.test("a listener on a Unix socket sets the permissions of its file, and removes it when it is stopped", async () => {
  await using folder = await TempDir.make();
  const path = folder.join("events.sock");
  const listener = start({ path, mode: 0o620 });
  assertEquals(listener.address, `unix:${path}`);
  assertEquals((Deno.statSync(path).mode ?? 0) & 0o777, 0o620);
  assertEquals(await askSocket(path), "OK");
  await listener.stop();
  assertEquals([...Deno.readDirSync(folder.path)], []);
});

Deno.test("a Unix socket that is in use is refused, and so is a file that is none; one that was left is replaced", async () => {
  await using folder = await TempDir.make();
  const address = { path: folder.join("events.sock"), mode: 0o666 };
  await requireUnusedSocket("client", address);
  const first = start(address);
  const refused =
    /^Cannot listen on unix:\S+ \(control listener\): a program listens there already\.$/;
  await assertRejects(() => requireUnusedSocket("control", address), refused);
  await Deno.rename(address.path, folder.join("left.sock"));
  await first.stop();
  const left = { ...address, path: folder.join("left.sock") };
  await requireUnusedSocket("client", left);
  const second = start(left);
  assertEquals(await askSocket(left.path), "OK");
  await second.stop();
  const file = await folder.write("file", "precious");
  await assertRejects(
    () => requireUnusedSocket("client", { path: file, mode: 0o666 }),
    /a file is there that is no socket\.$/,
  );
  assertEquals(await Deno.readTextFile(file), "precious");
});

Deno.test("a listener that is stopped leaves the socket of another that has taken its place", async () => {
  await using folder = await TempDir.make();
  const address = { path: folder.join("events.sock"), mode: 0o666 };
  const first = start(address);
  const second = start(address);
  await first.stop();
  assertEquals(await askSocket(address.path), "OK");
  await second.stop();
});

Deno.test("a Unix socket in a folder that does not exist is refused with the reason", async () => {
  await using folder = await TempDir.make();
  await assertRejects(
    () => Promise.resolve().then(() => start({ path: folder.join("no/x.sock"), mode: 0o666 })),
    /^Cannot listen on unix:\S+ \(client listener\): its folder does not exist\.$/,
  );
});
