import { readProcessFacts } from "../../../src/server/process_facts.ts";
import { assert, assertEquals } from "../../support/assert.ts";

Deno.test("what the system knows of this process is what it uses", () => {
  const before = readProcessFacts();
  const files = Array.from({ length: 20 }, () => Deno.openSync("/dev/null"));
  const after = readProcessFacts();
  for (const file of files) file.close();
  assert(after.residentBytes > 10_000_000 && after.cpuSeconds > 0);
  const { descriptors } = before;
  if (descriptors === undefined || after.descriptors === undefined) return; // Not on Linux.
  assertEquals(after.descriptors.open - descriptors.open, 20);
  assert(descriptors.limit >= after.descriptors.open);
});
