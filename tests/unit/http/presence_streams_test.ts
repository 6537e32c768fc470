import { Caller } from "../../../src/http/caller.ts";
import { ControlStreams } from "../../../src/http/handlers/control_streams.ts";
import type { PresenceReport } from "../../../src/http/handlers/presence_report.ts";
import { PresenceStreams } from "../../../src/http/handlers/presence_streams.ts";
import { WorkerSilent } from "../../../src/lib/errors.ts";
import { assert, assertEquals, assertMatch, assertRejects } from "../../support/assert.ts";
import { FakeTime, settle } from "../../support/hub/fake_time.ts";

/** Streams of a channel of which a test says who is there. */
class Rig implements AsyncDisposable {
  readonly time = new FakeTime();
  readonly controlStreams = new ControlStreams();
  /** Who is there; `undefined` if that cannot be told. */
  users: readonly string[] | undefined = [];
  unanswered: readonly string[] = [];
  /** How often it was looked. */
  looks = 0;
  /** What the next looks wait for. */
  delay: Promise<void> | undefined;
  readonly streams = new PresenceStreams({
    presence: () => this.#look(),
    controlStreams: this.controlStreams,
    clock: this.time,
  });

  async open(graceMs = 0): Promise<Follower> {
    const response = await this.streams.open(Caller.anyone, "chat", graceMs);
    return new Follower(response);
  }

  async #look(): Promise<PresenceReport> {
    this.looks++;
    const { users, unanswered, delay } = this;
    await delay;
    if (users === undefined) throw new WorkerSilent();
    return { users: users.map((user) => [user, 1, 0]), anonymousStreams: 0, unanswered };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.controlStreams.close();
    await settle();
    assertEquals(this.time.timers, 0, "timers that are left");
    this.time[Symbol.dispose]();
  }
}

/** A stream and what its client has read. */
class Follower {
  readonly #reader: ReadableStreamDefaultReader<Uint8Array>;
  #text = "";
  hasEnded = false;
  #reading: Promise<void> | undefined;

  constructor(response: Response) {
    assert(response.body !== null);
    this.#reader = response.body.getReader();
  }

  /** Begins to read all that comes. */
  read(): this {
    this.#reading ??= this.readAll();
    return this;
  }

  /** The events since the last call, such as `join {"channel":"chat","user":"alex"}`. */
  async news(): Promise<readonly string[]> {
    this.read();
    await settle();
    const text = this.#text;
    this.#text = "";
    return text.matchAll(/event: (\w+)\ndata: (.*)\n\n/g)
      .map(([, type, data = ""]) => {
        const { since: _, users, ...rest } = JSON.parse(data);
        const names = users?.map(({ user }: { readonly user: string }) => user);
        return `${type} ${JSON.stringify(names === undefined ? rest : { ...rest, users: names })}`;
      }).toArray();
  }

  async leave(): Promise<void> {
    await this.#reader.cancel();
  }

  async readAll(): Promise<void> {
    const decoder = new TextDecoder();
    for (let part = await this.#reader.read(); !part.done; part = await this.#reader.read()) {
      this.#text += decoder.decode(part.value, { stream: true });
    }
    this.hasEnded = true;
  }
}

Deno.test("a stream begins with who is there, then tells who joins and who leaves", async () => {
  await using rig = new Rig();
  rig.users = ["alex"];
  const follower = await rig.open();
  assertEquals(await follower.news(), ['state {"channel":"chat","users":["alex"]}']);
  rig.users = ["alex", "sam"];
  await rig.time.advance(1000);
  assertEquals(await follower.news(), ['join {"channel":"chat","user":"sam"}']);
  rig.users = ["sam"];
  await rig.time.advance(1000);
  assertEquals(await follower.news(), ['leave {"channel":"chat","user":"alex"}']);
  await rig.time.advance(1000);
  assertEquals(await follower.news(), []);
});

Deno.test("one look a second serves every stream of a channel, each with its grace time", async () => {
  await using rig = new Rig();
  rig.users = ["alex"];
  const [first, second] = [await rig.open(0), await rig.open(0)];
  const patient = await rig.open(2000);
  for (const follower of [first, second, patient]) assertEquals((await follower.news()).length, 1);
  rig.users = [];
  const before = rig.looks;
  await rig.time.advance(1000);
  assertEquals(rig.looks - before, 1);
  const leave = ['leave {"channel":"chat","user":"alex"}'];
  assertEquals([await first.news(), await second.news(), await patient.news()], [leave, leave, []]);
  const late = await rig.open(2000);
  assertEquals(await late.news(), ['state {"channel":"chat","users":["alex"]}'], "not left yet");
  await rig.time.advance(2000);
  assertEquals([await patient.news(), await late.news()], [leave, leave]);
});

Deno.test("nobody looks once the last stream of a channel has ended", async () => {
  await using rig = new Rig();
  const [one, other] = [await rig.open(0), await rig.open(1000)];
  await one.leave();
  await rig.time.advance(1000);
  assertEquals(rig.looks, 3);
  await other.leave();
  await rig.time.advance(5000);
  assertEquals(rig.looks, 3);
  await rig.open();
  await rig.time.advance(1000);
  assertEquals(rig.looks, 5, "and looks again for the next");
});

Deno.test("what cannot be told opens no stream, and changes no open one", async () => {
  await using rig = new Rig();
  rig.users = ["alex"];
  const follower = await rig.open();
  await follower.news();
  rig.users = undefined;
  await assertRejects(() => rig.streams.open(Caller.anyone, "chat", 0), /^Cannot tell: a worker /);
  await rig.time.advance(3000);
  assertEquals(await follower.news(), []);
  rig.users = [];
  await rig.time.advance(1000);
  assertEquals(await follower.news(), ['leave {"channel":"chat","user":"alex"}']);
});

Deno.test("which servers do not answer is told, and when they do again", async () => {
  await using rig = new Rig();
  rig.users = ["alex"];
  const follower = await rig.open();
  await follower.news();
  rig.unanswered = ["other"];
  await rig.time.advance(2000);
  assertEquals(await follower.news(), ['unanswered {"channel":"chat","unanswered":["other"]}']);
  const late = await rig.open();
  assertEquals(await late.news(), [
    'state {"channel":"chat","unanswered":["other"],"users":["alex"]}',
  ]);
  rig.users = ["alex", "sam"];
  rig.unanswered = [];
  await rig.time.advance(2000);
  assertEquals(await follower.news(), [
    'join {"channel":"chat","user":"sam"}',
    'unanswered {"channel":"chat","unanswered":[]}',
  ]);
});

Deno.test("a look that takes longer than a later one is not taken", async () => {
  await using rig = new Rig();
  rig.users = [];
  const { promise, resolve } = Promise.withResolvers<void>();
  const first = await rig.open();
  rig.delay = promise;
  await rig.time.advance(1000);
  rig.delay = undefined;
  rig.users = ["alex"];
  const second = await rig.open();
  assertEquals((await first.news()).at(-1), 'join {"channel":"chat","user":"alex"}');
  resolve();
  await settle();
  assertEquals([await first.news(), (await second.news()).length], [[], 1]);
});

Deno.test("a client that does not read holds little memory, and gets the state when it reads again", async () => {
  await using rig = new Rig();
  const many = Array.from({ length: 5000 }, (_, n) => `a user with a name ${n}`);
  rig.users = many;
  const follower = await rig.open();
  for (let n = 0; n < 20; n++) {
    rig.users = n % 2 === 0 ? [] : many;
    await rig.time.advance(1000);
  }
  rig.users = ["alex"];
  assertEquals((await follower.news()).length, 1, "the first state alone waited");
  await rig.time.advance(1000);
  assertEquals(await follower.news(), ['state {"channel":"chat","users":["alex"]}']);
  rig.users = ["sam"];
  await rig.time.advance(1000);
  assertEquals((await follower.news()).length, 2, "as before");
});

Deno.test("a client that reads nothing for a minute is cut off", async () => {
  await using rig = new Rig();
  rig.users = Array.from({ length: 5000 }, (_, n) => `a user with a name ${n}`);
  const follower = await rig.open();
  await rig.time.advance(60_000);
  const before = rig.looks;
  await rig.time.advance(10_000);
  assert(rig.looks < before + 3, "looked for nobody");
  await assertRejects(() => follower.readAll(), /its client reads nothing/);
});

Deno.test("a stream that is opened once the server stops ends too, and nobody looks for it", async () => {
  await using rig = new Rig();
  const { promise, resolve } = Promise.withResolvers<void>();
  rig.delay = promise;
  const opening = rig.open();
  rig.controlStreams.close();
  resolve();
  const follower = (await opening).read();
  await settle();
  assert(follower.hasEnded);
  assertEquals(rig.time.timers, 0);
});

Deno.test("streams end when the server stops, and their headers keep proxies from holding them back", async () => {
  await using rig = new Rig();
  const response = await rig.streams.open(Caller.anyone, "chat", 0);
  assertEquals(response.headers.get("Content-Type"), "text/event-stream");
  assertEquals(response.headers.get("X-Accel-Buffering"), "no");
  assertMatch(response.headers.get("Cache-Control") ?? "", /no-transform/);
  const follower = new Follower(response).read();
  rig.controlStreams.close();
  await settle();
  assert(follower.hasEnded);
});
