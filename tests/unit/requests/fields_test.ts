import {
  checkName,
  missing,
  optional,
  required,
  requiredName,
} from "../../../src/requests/fields.ts";
import { assertEquals, assertMatch } from "../../support/assert.ts";
import { fieldsOf, refusedField } from "../../support/given_fields.ts";

const FIELDS = fieldsOf({ one: "1", empty: "", twice: ["1", "2"], long: "n".repeat(257) });

Deno.test("a field that may be absent has one value or none", () => {
  assertEquals(optional(FIELDS, "one"), "1");
  assertEquals(optional(FIELDS, "empty"), "");
  assertEquals(optional(FIELDS, "none"), undefined);
  const error = refusedField(() => optional(FIELDS, "twice"));
  assertEquals(error.message, "Bad field twice: it was given more than once.");
});

Deno.test("a field that must be there says what it means where it is not", () => {
  assertEquals(required(FIELDS, "one", "a number"), "1");
  for (const field of ["empty", "absent"]) {
    const error = refusedField(() => required(FIELDS, field, "a number"));
    assertEquals([error.field, error.message], [field, `Missing field ${field}: a number.`]);
  }
  refusedField(() => required(FIELDS, "twice", "a number"));
  assertEquals(missing(FIELDS, "x", "a number").message, "Missing field x: a number.");
});

Deno.test("a field that is missing is compared with those that were given", () => {
  for (const given of ["user_id", "userid", "UserID", "userIds", "usreId", "user"]) {
    const error = refusedField(() => required(fieldsOf({ [given]: "alex" }), "userId", "a name"));
    assertEquals(error.message, `Missing field userId (got ${given}).`);
  }
  for (const given of ["us", "name", "id", "\n"]) {
    const error = refusedField(() => required(fieldsOf({ [given]: "alex" }), "userId", "a name"));
    assertEquals(error.message, "Missing field userId: a name.");
  }
  const empty = refusedField(() => required(fieldsOf({ userId: "" }), "userId", "a name"));
  assertEquals(empty.message, "Missing field userId: a name.");
});

Deno.test("a name is refused by its field, with the rule", () => {
  assertEquals(requiredName(FIELDS, "one", "a name"), "1");
  checkName("one", "n".repeat(256));
  for (const name of ["n".repeat(257), "a\0b", "\uD800", ""]) {
    assertMatch(
      refusedField(() => checkName("one", name)).message,
      /^Bad field one: it must be .*256/,
    );
  }
  assertEquals(refusedField(() => requiredName(FIELDS, "long", "a name")).field, "long");
  assertMatch(refusedField(() => requiredName(FIELDS, "none", "a name")).message, /^Missing/);
});
