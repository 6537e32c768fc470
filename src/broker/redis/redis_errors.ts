import { ErrorReply } from "@redis/client";
import { reasonOf } from "../../lib/errors.ts";

/** Redis can be reached, but is not one that this server can use. */
export class RedisUnsuitable extends Error {
  override readonly name = "RedisUnsuitable";
}

/** Redis took longer than it may. */
export class NoAnswer extends Error {
  override readonly name = "NoAnswer";

  constructor(ms: number) {
    super(`no answer in ${ms / 1000} s`);
  }
}

/** What the scripts say of a log that they do not know how to read: its format, and their own. */
const OTHER_FORMAT = /^FORMAT (.*) (\S+)$/;

/** What Redis before 7 makes of the refusal of a command in a script: the refusal itself comes last. */
const REFUSED_IN_SCRIPT = /^ERR Error running script .*?: -([A-Z]+ .*)$/s;

/** A script's failure as it is without the script around it; in words where it refused the log's format. */
export function explained(error: unknown): unknown {
  if (!(error instanceof ErrorReply)) return error;
  const refusal = REFUSED_IN_SCRIPT.exec(error.message)?.[1];
  if (refusal !== undefined) return new ErrorReply(refusal);
  const [, format, own] = OTHER_FORMAT.exec(error.message) ?? [];
  if (format === undefined) return error;
  return new RedisUnsuitable(`its log is of format ${format}, this server writes format ${own}`);
}

/** What the codes of the runtime's connection errors mean. */
const MEANINGS: Readonly<Record<string, string>> = {
  ECONNREFUSED: "nothing listens there",
  ENOTFOUND: "there is no such host",
  EAI_AGAIN: "the host's name cannot be looked up",
  EHOSTUNREACH: "the host cannot be reached",
};

/** What Redis says before a script has changed anything. */
const BEFORE_ANY_CHANGE =
  /^(OOM|MISCONF|READONLY|NOREPLICAS|NOPERM|NOAUTH|LOADING|BUSY|MASTERDOWN) /;

/** Whether a refusal of Redis is one after which nothing has changed. */
export function changedNothing(refusal: unknown): boolean {
  if (refusal instanceof RedisUnsuitable) return true;
  return refusal instanceof ErrorReply && BEFORE_ANY_CHANGE.test(refusal.message);
}

/** Whether Redis itself said no, rather than nothing at all. */
export function isRefusal(error: unknown): boolean {
  return error instanceof ErrorReply || error instanceof RedisUnsuitable;
}

/** What passes without anyone doing anything. */
const PASSES = /^(LOADING|BUSY|MASTERDOWN|TRYAGAIN|OOM|MISCONF) /;

/** Whether to ask again would bring the same failure. */
export function isLasting(error: unknown): boolean {
  if (error instanceof TypeError || error instanceof SyntaxError) return true;
  return isRefusal(error) && !PASSES.test(reasonOf(error));
}

/**
 * Whether a server that starts waits in vain for this to pass: also if Redis shows a certificate that is not
 * trusted.
 */
export function isLastingAtStart(error: unknown): boolean {
  return isLasting(error) || /CERT|VERIFY/.test(codeOf(error));
}

/** Why something failed, as part of a sentence: without a period, and without where in a script. */
export function redisReasonOf(error: unknown): string {
  const meaning = MEANINGS[codeOf(error)];
  if (meaning !== undefined) return meaning;
  const reason = reasonOf(error).replace(/\s*script: [0-9a-f]{40}, on @user_script:.*$/, "")
    .replace(/\.+$/, "");
  return /^NOPERM|can't access at least one of the keys/.test(reason)
    ? `${reason} (its user needs every command on keys and channels with the prefix)`
    : reason;
}

/** The code of a runtime's error; of any other, a text that is none. */
function codeOf(error: unknown): string {
  const { code } = (error ?? {}) as { readonly code?: unknown };
  return String(code);
}
