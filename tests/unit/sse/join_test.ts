import { joinEvents } from "../../../src/sse/join.ts";
import { assertEquals } from "../../support/assert.ts";
import { eventAt } from "../../support/store/naive_log.ts";

Deno.test("events are joined one behind the other, short ones and long ones", () => {
  const events = [eventAt(1, "red"), eventAt(2, "blue", "ann", 1000), eventAt(3, "red", "*", 1)];
  const text = events.map(({ bytes }) => new TextDecoder().decode(bytes)).join("");
  assertEquals(new TextDecoder().decode(joinEvents(events)), text);
  assertEquals(joinEvents([]).length, 0);
});

Deno.test("a single event is not copied", () => {
  const event = eventAt(1, "red");
  assertEquals(joinEvents([event]) === event.bytes, true);
});
