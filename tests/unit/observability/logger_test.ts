import { createLogger } from "../../../src/observability/logger.ts";
import { assertEquals } from "../../support/assert.ts";

const NOW = Date.UTC(2026, 10, 22, 7, 30);

const LEVELS = ["debug", "info", "warn", "error"] as const;

function setUp(level: typeof LEVELS[number]) {
  const lines: string[] = [];
  const logger = createLogger(level, () => NOW, (line) => lines.push(line));
  /** The levels of which a line is written. */
  const written = () => {
    for (const name of LEVELS) logger[name]("x");
    return lines.splice(0).map((line) => line.split(" ")[1]);
  };
  return { logger, written };
}

Deno.test("nothing below the chosen level is written", () => {
  assertEquals(LEVELS.map((level) => setUp(level).written()), [
    ["debug", "info", "warn", "error"],
    ["info", "warn", "error"],
    ["warn", "error"],
    ["error"],
  ]);
});

Deno.test("the level may change at any time, and what the logger writes is what it says", () => {
  const { logger, written } = setUp("error");
  for (const level of LEVELS) {
    logger.level = level;
    assertEquals(
      LEVELS.filter((name) => logger.writes(name)),
      written() as typeof LEVELS[number][],
    );
  }
  assertEquals(written(), ["error"]);
});

Deno.test("a line is text unless JSON is asked for", () => {
  const written = (...format: ["json"?]) => {
    const lines: string[] = [];
    createLogger("info", () => NOW, (line) => lines.push(line), ...format).info("a b", { n: 1 });
    return lines;
  };
  assertEquals(written(), ["2026-11-22T07:30:00.000Z info a b n=1"]);
  assertEquals(written("json"), [
    '{"time":"2026-11-22T07:30:00.000Z","level":"info","message":"a b","n":1}',
  ]);
});
