import { PublisherIds } from "../../../src/broker/publisher_ids.ts";
import { assertEquals } from "../../support/assert.ts";
import { eventAt } from "../../support/store/naive_log.ts";

const ANN = { user: "ann", channels: ["red"] };
const BOB = { user: "bob", channels: ["red", "blue"] };

/** An event of channel red that carries an id. */
function red(seq: number, id: string, user = "*") {
  return eventAt(seq, "red", user, 0, id);
}

function added(...events: ReturnType<typeof red>[]): PublisherIds {
  const ids = new PublisherIds();
  for (const event of events) ids.add(event);
  return ids;
}

Deno.test("an event is found by the id that it carries, and by no other", () => {
  const ids = added(red(1, "a"), eventAt(2, "red"), red(3, "b"));
  assertEquals(["a", "b", "c", ""].map((id) => ids.find(id, ANN)), [1, 3, undefined, undefined]);
});

Deno.test("of several events with an id the oldest is meant that the subscription matches", () => {
  const ids = added(eventAt(1, "blue", "*", 0, "a"), red(2, "a", "bob"), red(3, "a"), red(4, "a"));
  assertEquals([ids.find("a", ANN), ids.find("a", BOB)], [3, 1]);
  assertEquals(ids.find("a", { user: "cleo", channels: ["green"] }), undefined);
});

Deno.test("once an older event with the id is gone, nobody can tell which one is meant", () => {
  const [first, second, third] = [red(1, "a"), red(2, "a"), red(3, "a")];
  const ids = added(first, second, third);
  ids.drop(second);
  assertEquals(ids.find("a", ANN), 1);
  ids.drop(first);
  assertEquals(ids.find("a", ANN), undefined);
});

Deno.test("an id whose events are all gone is unknown, and so is its next event", () => {
  const first = red(1, "a");
  const ids = added(first, red(2, "b"));
  ids.drop(first);
  assertEquals([ids.find("a", ANN), ids.find("b", ANN)], [undefined, 2]);
  const second = red(3, "a");
  ids.add(second);
  assertEquals(ids.find("a", ANN), undefined);
  ids.drop(second);
  ids.add(red(4, "a"));
  assertEquals(ids.find("a", ANN), undefined);
});

Deno.test("an id past the longest that is remembered finds nothing, and one below it does", () => {
  const [longest, tooLong] = ["x".repeat(256), "x".repeat(257)];
  const event = red(2, tooLong);
  const ids = added(red(1, longest), event);
  assertEquals([ids.find(longest, ANN), ids.find(tooLong, ANN)], [1, undefined]);
  ids.drop(event);
  assertEquals(ids.find(longest, ANN), 1);
});

Deno.test("past a thousand events with one id, it counts as unknown", () => {
  const ids = new PublisherIds();
  for (let seq = 1; seq <= 1000; seq++) ids.add(red(seq, "a", "bob"));
  ids.add(red(1001, "a"));
  assertEquals([ids.find("a", ANN), ids.find("a", BOB)], [undefined, 1]);
  const others = new PublisherIds();
  for (let seq = 1; seq <= 999; seq++) others.add(red(seq, "a", "bob"));
  others.add(red(1000, "a"));
  assertEquals(others.find("a", ANN), 1000);
});

Deno.test("of very many ids that are gone the one gone longest is forgotten first", () => {
  const ids = new PublisherIds();
  let seq = 0;
  const addAndDrop = (id: string) => {
    const event = red(++seq, id);
    ids.add(event);
    ids.drop(event);
  };
  // One that comes and goes again has not been gone for long.
  for (const id of ["again", "first", "again"]) addAndDrop(id);
  for (let n = 0; n < 100_000 - 1; n++) addAndDrop(`id ${n}`);
  for (const id of ["first", "again", "id 0"]) ids.add(red(++seq, id));
  const found = ["first", "again", "id 0"].map((id) => ids.find(id, ANN));
  assertEquals(found, [seq - 2, undefined, undefined]);
});
