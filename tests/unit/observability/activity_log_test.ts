import { createActivityLog } from "../../../src/observability/activity_log.ts";
import { createLogger, type LogLevel } from "../../../src/observability/logger.ts";
import { assertEquals } from "../../support/assert.ts";

function linesAt(level: LogLevel, dev: boolean): readonly string[] {
  const lines: string[] = [];
  const logger = createLogger(level, () => 0, (line) => lines.push(line.replace(/^\S+ /, "")));
  const activity = createActivityLog(logger, level, dev);
  activity.notice?.("stream opened", { stream: "s1" });
  activity.detail?.("emitted", {});
  return lines;
}

Deno.test("single streams and requests are logged at debug; with -dev some of them at info", () => {
  assertEquals(linesAt("debug", false), ["debug stream opened stream=s1", "debug emitted"]);
  assertEquals(linesAt("debug", true), ["info stream opened stream=s1", "debug emitted"]);
  assertEquals(linesAt("info", true), ["info stream opened stream=s1"]);
});

Deno.test("where no such line is written, there is nothing to call", () => {
  const logger = createLogger("info", () => 0, () => {});
  assertEquals(createActivityLog(logger, "info", false), {});
  assertEquals(createActivityLog(logger, "warn", true), {});
});
