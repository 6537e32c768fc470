import { exitStatus } from "../../../src/cli/exit_status.ts";
import { StartError, UsageError } from "../../../src/lib/errors.ts";
import { assertEquals } from "../../support/assert.ts";

Deno.test("wrong usage has an exit status of its own, every other failure another", () => {
  assertEquals(exitStatus(new UsageError("x")), 2);
  for (const error of [new StartError("x"), new Error("x"), "x", undefined]) {
    assertEquals(exitStatus(error), 1);
  }
});
