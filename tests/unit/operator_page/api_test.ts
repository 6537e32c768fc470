import { get, pathOf } from "../../../src/operator_page/api.js";
import { assertRejects } from "../../support/assert.ts";

Deno.test("a name that no path can hold is said to be one, and asked for nowhere", async () => {
  for (const name of [".", ".."]) {
    for (const path of [pathOf("users", name), pathOf("channels", name, "events")]) {
      await assertRejects(() => get(path), /^A path cannot hold the name \. or \.\./);
    }
  }
  // Without a server to ask, that it was asked for shows.
  await assertRejects(() => get(pathOf("users", "...")), /^The server does not answer\.$/);
});
