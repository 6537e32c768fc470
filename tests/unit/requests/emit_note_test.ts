import { emitNote } from "../../../src/requests/emit_note.ts";
import { assertEquals } from "../../support/assert.ts";
import { fieldsOf, type GivenFields } from "../../support/given_fields.ts";

const FIELDS = { userId: "alex", channel: "chat", data: "1" };

function noteOn(more: GivenFields, blocks: readonly string[] = ["data: 1"]): string | undefined {
  return emitNote(fieldsOf({ ...FIELDS, ...more }), blocks)?.text;
}

Deno.test("there is nothing to say on an emit of known fields with data", () => {
  assertEquals(noteOn({}), undefined);
  assertEquals(noteOn({ event: "x", retry: "1", idempotencyKey: "k" }), undefined);
  for (const block of ["data", "data:", "id: 1\ndata: x", "event: x\rdata: y", ": c\r\ndata"]) {
    assertEquals(noteOn({}, [block]), undefined, block);
  }
});

Deno.test("an unknown field is named, with the field that was meant", () => {
  assertEquals(noteOn({ evnet: "x" }), "Unknown field evnet was ignored; did you mean event?");
  assertEquals(noteOn({ color: "x" }), "Unknown field color was ignored.");
  assertEquals(
    noteOn({ event: "x", evnet: "x" }),
    "Unknown field evnet was ignored.",
    "event is there",
  );
  assertEquals(
    noteOn({ color: "x", evnet: "x" }),
    "Unknown field evnet was ignored; did you mean event? So was 1 more.",
  );
  assertEquals(
    noteOn({ color: "x", size: "x", shape: "y" }),
    "Unknown field color was ignored. So were 2 more.",
  );
});

Deno.test("the log names no unknown field that may be a part of a payload", () => {
  const logged = (more: GivenFields) => emitNote(fieldsOf({ ...FIELDS, ...more }), ["data"]);
  assertEquals(
    logged({ evnet: "x" })?.logText,
    "Unknown field evnet was ignored; did you mean event?",
  );
  assertEquals(logged({ " my secret": "" })?.logText, "An unknown field was ignored.");
});

Deno.test("events without a data line are told", () => {
  const none = "The payload has no data: line: browsers dispatch nothing.";
  for (const block of ["hello", "dat: 1", "database: 1", " data: 1", "retry: 1", "event: data"]) {
    assertEquals(noteOn({}, [block]), none, block);
  }
  assertEquals(noteOn({}, ["x", "y"]), none);
  assertEquals(
    noteOn({}, ["event: x", "data: y"]),
    "1 of the payload's 2 events has no data: line: browsers dispatch nothing for it.",
  );
  assertEquals(
    noteOn({}, ["event: x", "data: y", "z"]),
    "2 of the payload's 3 events have no data: line: browsers dispatch nothing for them.",
  );
});

Deno.test("two things to say are two sentences", () => {
  assertEquals(
    noteOn({ evnet: "x" }, ["x"]),
    "Unknown field evnet was ignored; did you mean event? " +
      "The payload has no data: line: browsers dispatch nothing.",
  );
});
