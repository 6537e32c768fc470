import { ErrorReply } from "@redis/client";
import {
  changedNothing,
  explained,
  isLasting,
  isLastingAtStart,
  isRefusal,
  NoAnswer,
  redisReasonOf,
  RedisUnsuitable,
} from "../../../../src/broker/redis/redis_errors.ts";
import { assert, assertEquals } from "../../../support/assert.ts";

const OOM = new ErrorReply("OOM command not allowed when used memory > 'maxmemory'.");
const NOPERM = new ErrorReply("NOPERM this user has no permissions to run the 'xadd' command");
const SCRIPT_ERROR = new ErrorReply(
  "ERR WRONGTYPE Operation against a key script: " + "a".repeat(40) +
    ", on @user_script:12.",
);
const LOADING = new ErrorReply("LOADING Redis is loading the dataset in memory");

Deno.test("a refusal is what Redis itself said, or that it cannot be used", () => {
  for (const error of [OOM, NOPERM, SCRIPT_ERROR, LOADING, new RedisUnsuitable("x")]) {
    assert(isRefusal(error), String(error));
  }
  for (const error of [new NoAnswer(1500), new Error("x"), "x"]) {
    assert(!isRefusal(error), String(error));
  }
});

Deno.test("a script that failed on its way may have changed something", () => {
  for (const error of [OOM, NOPERM, LOADING, new RedisUnsuitable("x")]) {
    assert(changedNothing(error), String(error));
  }
  for (const error of [SCRIPT_ERROR, new NoAnswer(1500), new Error("OOM x")]) {
    assert(!changedNothing(error), String(error));
  }
});

Deno.test("what passes by itself is not lasting", () => {
  for (const error of [OOM, LOADING, new NoAnswer(1500), new Error("x")]) {
    assert(!isLasting(error), String(error));
  }
  const lasting = [NOPERM, SCRIPT_ERROR, new RedisUnsuitable("x"), new TypeError("a bug")];
  for (const error of lasting) assert(isLasting(error), String(error));
});

Deno.test("at the start a certificate that is not trusted is lasting, too", () => {
  for (const code of ["DEPTH_ZERO_SELF_SIGNED_CERT", "UNABLE_TO_VERIFY_LEAF_SIGNATURE"]) {
    const error = Object.assign(new Error("x"), { code });
    assert(isLastingAtStart(error) && !isLasting(error), code);
  }
  const refused = Object.assign(new Error("x"), { code: "ECONNREFUSED" });
  for (const error of [refused, new NoAnswer(1500)]) assert(!isLastingAtStart(error));
  assert(isLastingAtStart(NOPERM));
});

Deno.test("reasons are told as parts of a sentence, without where in a script", () => {
  assertEquals(redisReasonOf(OOM), "OOM command not allowed when used memory > 'maxmemory'");
  assertEquals(redisReasonOf(SCRIPT_ERROR), "ERR WRONGTYPE Operation against a key");
  assertEquals(redisReasonOf(new NoAnswer(1500)), "no answer in 1.5 s");
  const refused = Object.assign(new Error("connect"), { code: "ECONNREFUSED" });
  assertEquals(redisReasonOf(refused), "nothing listens there");
  assertEquals(
    redisReasonOf(NOPERM),
    `${NOPERM.message} (its user needs every command on keys and channels with the prefix)`,
  );
});

Deno.test("a log of another format is told in words; other errors stay what they are", () => {
  const error = explained(new ErrorReply("FORMAT 2 1"));
  assert(error instanceof RedisUnsuitable);
  assertEquals(error.message, "its log is of format 2, this server writes format 1");
  assertEquals(explained(OOM), OOM);
  const other = new Error("FORMAT 2 1");
  assertEquals(explained(other), other);
});

Deno.test("a command that Redis 6.2 refuses in a script is refused as by Redis 7", () => {
  const wrapped = `ERR Error running script (call to f_${"a".repeat(40)}): @user_script:279: ` +
    "@user_script: 279: -OOM command not allowed when used memory > 'maxmemory'.";
  const error = explained(new ErrorReply(wrapped));
  assertEquals(redisReasonOf(error), redisReasonOf(OOM));
  assert(changedNothing(error) && isRefusal(error) && !isLasting(error));
});
