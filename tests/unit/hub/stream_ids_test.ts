import { StreamIds } from "../../../src/hub/stream_ids.ts";
import { assert, assertEquals } from "../../support/assert.ts";

Deno.test("each stream has a name of its own, also among those of other hubs", () => {
  const hubs = [new StreamIds(), new StreamIds()];
  const ids = hubs.flatMap((hub) => Array.from({ length: 100 }, () => hub.next()));
  assertEquals(new Set(ids).size, 200);
  assert(ids.every((id) => /^[0-9a-f]{8}-[0-9a-z]+$/.test(id)));
});
