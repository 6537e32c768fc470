import { ErrorReply } from "@redis/client";
import { keyOfTarget, type RevocationRecord } from "../../../../src/auth/revocations.ts";
import { RedisRevocations } from "../../../../src/broker/redis/redis_revocations.ts";
import type { RedisSession, Script } from "../../../../src/broker/redis/redis_session.ts";
import { createLogger } from "../../../../src/observability/logger.ts";
import { assertEquals, assertMatch } from "../../../support/assert.ts";

const NOW = 1000;

function revoked(user: string): RevocationRecord {
  return { user, revokedAt: NOW, forgetAt: NOW + 3600 };
}

/** A Redis that answers, page by page, what is to be read, and takes no writes if it is full. */
class ScriptedRedis {
  /** Each is read at once; an error is thrown. */
  readonly pages: (readonly RevocationRecord[] | Error)[] = [];
  isFull = false;
  nowMs = NOW * 1000;
  /** Targets that were written. */
  readonly written: string[] = [];
  /** The places from which it was read. */
  readonly readFrom: string[] = [];
  readonly session = {
    run: this.#run.bind(this),
    over: new Promise(() => {}),
  } as unknown as RedisSession;
  #place = 0;

  async #run({ text }: Script, args: readonly string[]): Promise<unknown> {
    await Promise.resolve();
    if (text.startsWith("-- Keeps revocations")) {
      if (this.isFull) throw new ErrorReply("OOM command not allowed");
      this.written.push(...args.slice(3).filter((_, n) => n % 3 === 0));
      return 1;
    }
    this.readFrom.push(String(args[1]));
    const page = this.pages.shift() ?? [];
    if (page instanceof Error) throw page;
    const rows = page.flatMap((record) => [
      ...[String(++this.#place), keyOfTarget(record)],
      `${record.revokedAt} ${record.forgetAt}`,
    ]);
    return [String(page.length), ...rows];
  }
}

function open(redis: ScriptedRedis) {
  const lines: string[] = [];
  const revocations = new RedisRevocations({
    prefix: "sse:",
    connection: () => ({ session: redis.session, unavailableReason: undefined }),
    now: () => redis.nowMs,
    logger: createLogger("debug", () => 0, (line) => lines.push(line)),
    where: "Redis",
  });
  const told: string[] = [];
  revocations.follow((records) => told.push(...records.map(({ user }) => String(user))));
  return { revocations, told, lines };
}

Deno.test("a Redis that is too full to get revocations again is used all the same, and what is new in it is told", async () => {
  const redis = new ScriptedRedis();
  const { revocations, told, lines } = open(redis);
  await revocations.add([revoked("ann")]);
  redis.written.length = 0;
  redis.isFull = true;
  redis.pages.push([revoked("bob")]);
  await revocations.resume(redis.session);
  assertEquals(told, ["bob"]);
  assertMatch(lines.join("\n"), /^\S+ error revocations not put back /m);
  redis.isFull = false;
  redis.pages.push([revoked("bob")]);
  await revocations.resume(redis.session);
  assertEquals(redis.written, [keyOfTarget(revoked("ann"))]);
});

Deno.test("what was read before a connection broke is told", async () => {
  const redis = new ScriptedRedis();
  const { revocations, told } = open(redis);
  const many = Array.from({ length: 1000 }, (_, n) => revoked(`user ${n}`));
  redis.pages.push(many, new Error("the connection is lost"));
  const failing = revocations.refresh();
  assertEquals(await failing.catch(({ message }) => message), "the connection is lost");
  assertEquals(told.length, 1000);
  redis.pages.push(many, [revoked("ann")]);
  await revocations.resume(redis.session);
  assertEquals(told.slice(1000), ["ann"]);
});

Deno.test("a Redis that has dropped what is over has lost nothing, and is not read again from the beginning", async () => {
  const redis = new ScriptedRedis();
  const { revocations } = open(redis);
  redis.pages.push([revoked("ann")]);
  await revocations.start(redis.session);
  redis.nowMs += 3600 * 1000;
  // So that what is over is not looked for in the next minute.
  revocations.known.count(redis.nowMs / 1000 - 1);
  redis.pages.push([], new Error("the connection is lost"));
  const failing = revocations.run(redis.session);
  assertEquals(await failing.catch(({ message }) => message), "the connection is lost");
  assertEquals(redis.readFrom, ["0", "1", "1"]);
});
