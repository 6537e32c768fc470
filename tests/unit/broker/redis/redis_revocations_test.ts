import { keyOfTarget, type RevocationRecord } from "../../../../src/auth/revocations.ts";
import { RedisRevocations } from "../../../../src/broker/redis/redis_revocations.ts";
import type { RedisSession } from "../../../../src/broker/redis/redis_session.ts";
import { assertEquals, assertRejects } from "../../../support/assert.ts";
import { SILENT } from "../../../support/store/stores.ts";

const PAGE = 1000;

/** A server's revocations, and the users that its threads are told of. */
function rig() {
  const revocations = new RedisRevocations({
    prefix: "",
    connection: () => ({ session: undefined, unavailableReason: undefined }),
    now: () => 0,
    logger: SILENT,
    where: "Redis",
  });
  const told: string[] = [];
  revocations.follow((records) => told.push(...records.map(({ user = "" }) => user)));
  return { revocations, told };
}

/** A session of which each call gets the next answer. */
function sessionOf(...answers: readonly (readonly string[] | Error)[]): RedisSession {
  const left = [...answers];
  const session: Partial<RedisSession> = {
    run: () => {
      const answer = left.shift() ?? new Error("nothing more was expected");
      return answer instanceof Error ? Promise.reject(answer) : Promise.resolve(answer);
    },
  };
  return session as RedisSession;
}

/** What Redis answers: how many there are, and these. */
function page(users: readonly string[]): readonly string[] {
  const texts = users.flatMap((user, n) => [String(n + 1), keyOfTarget({ user }), "1 100"]);
  return [String(users.length), ...texts];
}

Deno.test("what was read before the connection broke is told: it is known, so it never is again", async () => {
  const { revocations, told } = rig();
  const users = Array.from({ length: PAGE }, (_, n) => `user${n}`);
  const broken = sessionOf(page(users), new Error("connection lost"));
  await assertRejects(() => revocations.resume(broken), /connection lost/);
  assertEquals(told, users);
  await revocations.resume(sessionOf(page(users), page([])));
  assertEquals(told, users, "each once");
});

Deno.test("what others have revoked is told even if Redis does not take back what it has lost", async () => {
  const { revocations, told } = rig();
  const lost: RevocationRecord = { user: "ann", revokedAt: 1, forgetAt: 100 };
  revocations.known.add([lost], 0);
  const full = sessionOf(page(["alex"]), new Error("OOM command not allowed"));
  await assertRejects(() => revocations.resume(full), /OOM/);
  assertEquals(told, ["alex"]);
});
