import { type AboutPlaces, RemotePlaces } from "../../../src/server/remote_places.ts";
import { assertEquals } from "../../support/assert.ts";

Deno.test("each question gets its own answer, and what is given back needs none", async () => {
  const posted: AboutPlaces[] = [];
  const places = new RemotePlaces((message) => posted.push(message));
  const [alex, bob] = [{ user: "alex", network: undefined }, { user: "bob", network: "10.0.0.1" }];
  const answers = [places.take(alex), places.take(bob)];
  places.giveBack(alex);
  answers.push(places.take(alex));
  assertEquals(posted, [
    { kind: "take place", owner: alex },
    { kind: "take place", owner: bob },
    { kind: "give place back", owner: alex },
    { kind: "take place", owner: alex },
  ]);
  for (const exceeded of [undefined, "over the address limit", "over the user limit"] as const) {
    places.answered({ kind: "place", exceeded });
  }
  assertEquals(await Promise.all(answers), [
    undefined,
    "over the address limit",
    "over the user limit",
  ]);
});
