import { createActivityLog } from "../../../src/observability/activity_log.ts";
import { LimitedLogger } from "../../../src/observability/limited_logger.ts";
import type { LogLevel } from "../../../src/observability/log_line.ts";
import { createLogger } from "../../../src/observability/logger.ts";
import { assertEquals } from "../../support/assert.ts";
import { FakeClock } from "../../support/fake_clock.ts";

function setUp(level: LogLevel, dev: boolean) {
  const lines: string[] = [];
  const logger = createLogger(level, () => 0, (line) => lines.push(line.replace(/^\S+ /, "")));
  const activity = createActivityLog(new LimitedLogger(logger, new FakeClock()), dev);
  const write = () => {
    activity.notice?.("stream opened", { stream: "s1" });
    activity.detail?.("emitted", {});
    return lines.splice(0);
  };
  return { logger, activity, write };
}

Deno.test("single streams and requests are logged at debug; with -dev some of them at info", () => {
  const linesAt = (level: LogLevel, dev: boolean) => setUp(level, dev).write();
  assertEquals(linesAt("debug", false), ["debug stream opened stream=s1", "debug emitted"]);
  assertEquals(linesAt("debug", true), ["info stream opened stream=s1", "debug emitted"]);
  assertEquals(linesAt("info", true), ["info stream opened stream=s1"]);
});

Deno.test("where no such line is written, there is nothing to call", () => {
  for (const [level, dev] of [["info", false], ["warn", true]] as const) {
    const { activity } = setUp(level, dev);
    assertEquals([activity.notice, activity.detail], [undefined, undefined]);
  }
});

Deno.test("it follows the level of the logger, in both directions", () => {
  const { logger, activity, write } = setUp("info", false);
  logger.level = "debug";
  assertEquals(write(), ["debug stream opened stream=s1", "debug emitted"]);
  logger.level = "info";
  assertEquals(write(), []);
  assertEquals(activity.detail, undefined);
});
