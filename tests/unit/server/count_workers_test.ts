import { createLogger } from "../../../src/observability/logger.ts";
import { countWorkers } from "../../../src/server/count_workers.ts";
import { assertEquals } from "../../support/assert.ts";

function count(configured: number | "auto", system: string, cores = 8): [number, number] {
  const lines: string[] = [];
  const logger = createLogger("warn", () => 0, (line) => lines.push(line));
  return [countWorkers(configured, { cores, system }, logger), lines.length];
}

Deno.test("on Linux there are as many workers as were asked for, or as there are cores", () => {
  assertEquals([count(1, "linux"), count(3, "linux"), count("auto", "linux")], [[1, 0], [3, 0], [
    8,
    0,
  ]]);
});

Deno.test("elsewhere there is one worker, and the log says so if more were asked for", () => {
  for (const system of ["darwin", "windows"]) {
    assertEquals([count(1, system), count(3, system), count("auto", system)], [[1, 0], [1, 1], [
      1,
      1,
    ]]);
    assertEquals(count("auto", system, 1), [1, 0]);
  }
});
