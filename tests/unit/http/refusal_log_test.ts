import { RefusalLog } from "../../../src/http/refusal_log.ts";
import * as errors from "../../../src/lib/errors.ts";
import { createLogger } from "../../../src/observability/logger.ts";
import { assertEquals } from "../../support/assert.ts";

const REFUSED = "warn control request refused, more like it are not logged";

function linesOf(...refusals: readonly errors.HttpError[]): readonly string[] {
  const lines: string[] = [];
  const log = new RefusalLog(createLogger("debug", () => 0, (line) => lines.push(line)));
  for (const error of refusals) log.note(error);
  return lines.map((line) => line.slice(line.indexOf(" ") + 1));
}

Deno.test("the first refusal of each class and field is logged, and no other", () => {
  const field = (name: string) => new errors.BadField(name, `Bad field ${name}: private.`);
  const lines = linesOf(field("exp"), field("exp"), field("userId"), field("exp"));
  const more = linesOf(new errors.TooLarge("a"), new errors.TooLarge("b"));
  assertEquals([...lines, ...more], [
    `${REFUSED} status=400 error=BadField field=exp`,
    `${REFUSED} status=400 error=BadField field=userId`,
    `${REFUSED} status=413 error=TooLarge`,
  ]);
});

Deno.test("fields that callers make up are one kind, and not named", () => {
  const names = ["private", "other"];
  const lines = linesOf(...names.map((name) => new errors.UnknownField(name, `Unknown ${name}.`)));
  assertEquals(lines, [`${REFUSED} status=400 error=BadField`]);
});

Deno.test("a channel too many is logged with the limit", () => {
  assertEquals(linesOf(new errors.TooManyChannels(20)), [
    `${REFUSED} status=507 error=TooManyChannels limit="-max-channels 20"`,
  ]);
});

Deno.test("with keys, the first refusal of each kind is logged for each key, by its name", () => {
  const lines: string[] = [];
  const log = new RefusalLog(createLogger("debug", () => 0, (line) => lines.push(line)));
  const noEmit = new errors.RightMissing("emit", "private");
  for (const key of ["shop", "crm", "shop"]) log.note(noEmit, key);
  log.note(new errors.RightMissing("read"), "shop");
  log.note(new errors.BadField("exp", "Bad field exp."), "shop");
  assertEquals(lines.map((line) => line.slice(line.indexOf(" ") + 1)), [
    `${REFUSED} status=403 error=RightMissing right=emit key=shop`,
    `${REFUSED} status=403 error=RightMissing right=emit key=crm`,
    `${REFUSED} status=403 error=RightMissing right=read key=shop`,
    `${REFUSED} status=400 error=BadField field=exp key=shop`,
  ]);
});

Deno.test("failures of the server and of its store are logged elsewhere, a server without room is not", () => {
  const failures = [new errors.InternalError(), new errors.StoreUnavailable("Down.")];
  assertEquals(linesOf(...failures, new errors.ServerBusy("Full.")), [
    `${REFUSED} status=503 error=ServerBusy`,
  ]);
});
