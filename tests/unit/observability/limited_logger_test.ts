import { LimitedLogger } from "../../../src/observability/limited_logger.ts";
import { createLogger } from "../../../src/observability/logger.ts";
import { assertEquals } from "../../support/assert.ts";
import { FakeClock } from "../../support/fake_clock.ts";

function setUp() {
  const clock = new FakeClock();
  const lines: string[] = [];
  const write = (line: string) => lines.push(line.split(" ").slice(1).join(" "));
  const logger = new LimitedLogger(createLogger("debug", () => clock.wall(), write), clock);
  return { clock, logger, take: () => lines.splice(0) };
}

Deno.test("of each message twenty lines are written in a second, and then how many were left out", () => {
  const { clock, logger, take } = setUp();
  for (let n = 0; n < 5000; n++) logger.info("stream ended", { n });
  assertEquals(take(), Array.from({ length: 20 }, (_, n) => `info stream ended n=${n}`));
  clock.advance(999);
  logger.info("stream ended");
  assertEquals(take(), []);
  clock.advance(1);
  logger.info("stream ended", { n: "next" });
  assertEquals(take(), [
    'info lines left out message="stream ended" count=4981',
    "info stream ended n=next",
  ]);
});

Deno.test("fewer lines than the limit are all written, without a report", () => {
  const { clock, logger, take } = setUp();
  for (let second = 0; second < 3; second++) {
    for (let n = 0; n < 20; n++) logger.debug("stream ended");
    clock.advance(1000);
  }
  logger.flush();
  assertEquals(take(), Array.from({ length: 60 }, () => "debug stream ended"));
});

Deno.test("one message does not take the lines of another, nor of the same one at another level", () => {
  const { logger, take } = setUp();
  for (let n = 0; n < 50; n++) logger.debug("stream ended");
  take();
  logger.warn("stream ended");
  logger.debug("token refused");
  logger.error("reading history failed");
  assertEquals(take(), [
    "warn stream ended",
    "debug token refused",
    "error reading history failed",
  ]);
});

Deno.test("the lines left out are reported before the next line of any message", () => {
  const { clock, logger, take } = setUp();
  for (let n = 0; n < 22; n++) logger.warn("stream ended");
  take();
  clock.advance(60_000);
  logger.info("token refused");
  assertEquals(take(), [
    'warn lines left out message="stream ended" count=2',
    "info token refused",
  ]);
});

Deno.test("the last lines left out are reported at the end, once", () => {
  const { logger, take } = setUp();
  for (let n = 0; n < 30; n++) logger.info("stream ended");
  take();
  logger.flush();
  assertEquals(take(), ['info lines left out message="stream ended" count=10']);
  logger.flush();
  assertEquals(take(), []);
});

Deno.test("a wall clock that is set back does not silence the log", () => {
  const { clock, logger, take } = setUp();
  for (let n = 0; n < 30; n++) logger.info("stream ended");
  clock.stepWall(-3_600_000);
  clock.advance(1000);
  take();
  logger.info("stream ended");
  assertEquals(take().length, 2);
});
