/**
 * Names that a store could take for one another are refused before they reach it.
 *
 * @module
 */
import { BadField } from "../../../src/lib/errors.ts";
import { readEmit } from "../../../src/requests/emit_request.ts";
import { dataOf, Rig } from "../../support/hub/rig.ts";
import { assert, assertEquals, assertMatch } from "../../support/assert.ts";
import { fieldsOf } from "../../support/given_fields.ts";
import { testEachStore } from "../../support/store/stores.ts";

const FIELDS = { userId: "*", channel: "red", data: "x", idempotencyKey: "k" };

for (const name of ["a\0b", "\0", "half a pair: \ud83d", "\udc00"]) {
  Deno.test(`an emit with the name ${JSON.stringify(name)} is refused`, () => {
    for (const field of ["userId", "channel", "idempotencyKey"]) {
      const fields: Record<string, string> = { ...FIELDS, [field]: name };
      try {
        readEmit(fieldsOf(fields), 1000);
      } catch (error) {
        assert(error instanceof BadField && error.field === field, String(error));
        assertMatch(error.message, new RegExp(`^Bad field ${field}: .*\\.$`));
        continue;
      }
      throw new Error(`${field} was accepted`);
    }
  });
}

testEachStore("names that look alike stay apart in replay and retention", async (store) => {
  using rig = await Rig.start({ store, retention: { eventsPerChannel: 2 } });
  const names = [
    "é",
    "e\u0301",
    "É",
    "a",
    "A",
    "a ",
    " a",
    "%",
    "_",
    "a\u200b",
    "😀",
    "\ufffd",
    "null",
    "1",
    "1.0",
  ];
  for (const name of [...names, ...names, ...names]) await rig.emit(name, name, name);
  for (const name of names) {
    const reader = await rig.connect(name, [name], `${"0".repeat(16)}-${rig.broker.head.epoch}`);
    await reader.takeAll();
    assertEquals(dataOf(reader).slice(1), [name, name]);
  }
});
