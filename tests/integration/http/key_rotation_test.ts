/**
 * A whole server in the tests' process that takes other keys while its streams are open.
 *
 * @module
 */
import { readConfig } from "../../../src/config/config.ts";
import { StartError } from "../../../src/lib/errors.ts";
import { createLogger } from "../../../src/observability/logger.ts";
import { Server } from "../../../src/server/server.ts";
import { assert, assertEquals, assertMatch } from "../../support/assert.ts";
import { FakeClock } from "../../support/fake_clock.ts";
import { IssuerKey } from "../../support/issuer_key.ts";
import { claimsIn, makeToken } from "../../support/jwt.ts";
import { KeySetServer } from "../../support/key_set_server.ts";
import { openStream, type SseStream } from "../../support/sse_client.ts";
import { TempDir } from "../../support/temp_dir.ts";
import { waitFor } from "../../support/wait.ts";

/** A server on free ports, with a clock that only the test turns. */
class TestedServer implements AsyncDisposable {
  readonly clock = new FakeClock();
  readonly log: string[] = [];
  #server: Server | undefined;

  static async start(flags: Readonly<Record<string, string>>): Promise<TestedServer> {
    const tested = new TestedServer();
    const all = { bind: "127.0.0.1:0", bindctl: "127.0.0.1:0", drain: "1", retry: "100", ...flags };
    const lists = Object.entries(all).map(([name, value]) => [name, [value]]);
    const config = readConfig(Object.fromEntries(lists), () => undefined);
    const logger = createLogger("info", () => tested.clock.wall(), (line) => tested.log.push(line));
    tested.#server = await Server.start(config, tested.clock, logger);
    return tested;
  }

  /** @throws {Error} before it is started. */
  get server(): Server {
    if (this.#server === undefined) throw new Error("not started");
    return this.#server;
  }

  open(token: string): Promise<SseStream> {
    return openStream(`http://${this.server.clientAddress}/events/`, { token });
  }

  /** The answer to a token that is refused. */
  async refusal(token: string): Promise<string> {
    const error = await this.open(token).then(() => undefined, (error) => error);
    assert(error instanceof Error, "refused");
    return error.message.trim();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.server.stop();
  }
}

const CLAIMS = { userId: "alex", channel: "chat" };

async function changeSecrets(workers: string): Promise<void> {
  await using folder = await TempDir.make();
  const file = await folder.write("secret", "old\n");
  await using tested = await TestedServer.start({ "secret-file": file, workers });
  const [old, next] = ["old", "next"].map((secret) => makeToken(CLAIMS, { secret }));
  assert(old && next, "two tokens");
  await using ofOld = await tested.open(old);
  assertMatch(await tested.refusal(next), /^401 .*does not match the server's secret\.$/);

  await folder.write("secret", "next\r\n\nold\n");
  tested.server.reload();
  await using ofNext = await tested.open(next);
  await using ofOldAgain = await tested.open(old);
  const made = await tested.server.tokens.sign(
    { user: "alex", channels: ["chat"], lifetime: 60 },
    tested.clock.seconds,
  );
  const { iat, jti } = claimsIn(made);
  const exp = tested.clock.seconds + 60;
  assertEquals(
    made,
    makeToken({ ...CLAIMS, exp, iat, jti }, { secret: "next" }),
    "the first signs",
  );

  await folder.write("secret", "next\n");
  tested.server.reload();
  for (const stream of [ofOld, ofOldAgain]) {
    assertEquals(await stream.waitForEnd(), "clean");
    assertMatch(stream.text, /\nretry: [0-9]+\n: key gone\n$/);
  }
  assertMatch(await tested.refusal(old), /^401 .*does not match the server's secret\.$/);
  assertEquals(ofNext.end, undefined);
  await using again = await tested.open(next);
  assertEquals([ofNext.end, again.end], [undefined, undefined]);
}

for (const workers of Deno.build.os === "linux" ? ["1", "2"] : ["1"]) {
  const name = "with other secrets, only the streams and tokens of a secret that is gone end";
  Deno.test(`${name} (workers: ${workers})`, () => changeSecrets(workers));
}

Deno.test("a file that is wrong changes nothing, and the log names it", async () => {
  await using folder = await TempDir.make();
  const key = new IssuerKey();
  const secret = await folder.write("secret", "s\n");
  const pem = await folder.write("key.pem", key.pem);
  await using tested = await TestedServer.start({ "secret-file": secret, "public-key": pem });
  await using stream = await tested.open(key.token(CLAIMS));
  const wrong: readonly [file: string, content: string, message: RegExp][] = [
    ["key.pem", "nonsense", /"Cannot use the public key \S+\/key\.pem: it is not PEM\."$/],
    ["secret", "\n", /"Cannot use the secret file \S+\/secret: it is empty\."$/],
  ];
  for (const [file, content, message] of wrong) {
    await folder.write(file, content);
    tested.server.reload();
    assertMatch(tested.log.at(-1) ?? "", message);
    assertMatch(tested.log.at(-1) ?? "", / error token keys not reread, the old ones stay error=/);
  }
  await using _other = await tested.open(makeToken(CLAIMS, { secret: "s" }));
  await using _again = await tested.open(key.token(CLAIMS));
  assertEquals(stream.end, undefined);
});

Deno.test("a key that its issuer takes back ends its streams, and no others", async () => {
  const [old, next] = [new IssuerKey("P-256", "old"), new IssuerKey("P-256", "next")];
  await using issuer = KeySetServer.start(old);
  await using tested = await TestedServer.start({ jwks: issuer.url, secret: "s" });
  await using ofOld = await tested.open(old.token(CLAIMS));
  await using ofSecret = await tested.open(makeToken(CLAIMS, { secret: "s" }));
  issuer.keys = [next];
  await using ofNext = await tested.open(next.token(CLAIMS));
  assertEquals(await ofOld.waitForEnd(), "clean");
  // For 30 seconds an unknown key may be one that the issuer has since added.
  tested.clock.advance(30_000);
  assertMatch(await tested.refusal(old.token(CLAIMS)), /^401 .*no key of its name/);
  assertEquals([ofNext.end, ofSecret.end], [undefined, undefined]);
});

Deno.test("reading the keys again fetches key sets again, and keeps what they know while the issuer is away", async () => {
  const [old, next] = [new IssuerKey("P-256", "old"), new IssuerKey("P-256", "next")];
  await using issuer = KeySetServer.start(old);
  await using tested = await TestedServer.start({ jwks: issuer.url });
  await using ofOld = await tested.open(old.token(CLAIMS));
  await issuer.goAway();
  tested.server.reload();
  await waitFor(
    "the attempt",
    () => tested.log.some((line) => /key set not fetched .*Connection refused/.test(line)),
  );
  await using again = await tested.open(old.token(CLAIMS));
  assertEquals([ofOld.end, again.end], [undefined, undefined]);
  issuer.keys = [next];
  issuer.comeBack();
  tested.server.reload();
  for (const stream of [ofOld, again]) assertEquals(await stream.waitForEnd(), "clean");
});

Deno.test("a server does not start with a key file that is wrong", async () => {
  await using folder = await TempDir.make();
  const file = await folder.write("keys.json", '{"keys":[]}');
  const failed = await TestedServer.start({ "jwks-file": file }).then(() => undefined, (e) => e);
  assert(failed instanceof StartError, `${failed}`);
  assertMatch(failed.message, /^Cannot use the key set \S+: it has no public key that verifies/);
});
