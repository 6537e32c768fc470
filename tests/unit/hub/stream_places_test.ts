import type { ClientOrigin } from "../../../src/hub/client_origin.ts";
import {
  PlaceTable,
  type StreamOwner,
  StreamPlaces,
  type ThreadPlaces,
} from "../../../src/hub/stream_places.ts";
import { assert, assertEquals } from "../../support/assert.ts";
import { withSeeds } from "../../support/seeded_random.ts";

const LIMITS = { perUser: 2, perAddress: 3 };

function claims(user: string) {
  return { user, channels: ["chat"], expiresAt: undefined };
}

const PUBLIC = { ...claims("*"), isPublic: true } as const;

function from(address: string): ClientOrigin {
  return { address, proxy: undefined, userAgent: "" };
}

/** @throws {Error} if nothing is limited. */
function placesBy(limits: Partial<typeof LIMITS>): StreamPlaces {
  const places = StreamPlaces.by({ perUser: Infinity, perAddress: Infinity, ...limits });
  if (places === undefined) throw new Error("nothing is limited");
  return places;
}

Deno.test("without a limit nothing is counted", () => {
  assertEquals(StreamPlaces.by({ perUser: Infinity, perAddress: Infinity }), undefined);
});

Deno.test("a user has as many places as the limit says, wherever the clients are, and gets one back", () => {
  const places = placesBy({ perUser: 2 });
  for (const n of [1, 2]) assertEquals(places.take(claims("alex"), from(`10.0.0.${n}`)), undefined);
  assertEquals(places.take(claims("alex"), from("10.0.0.3")), "over the user limit");
  assertEquals(places.take(claims("bob"), from("10.0.0.3")), undefined);
  places.giveBack(claims("alex"), from("10.0.0.1"));
  assertEquals(places.take(claims("alex"), undefined), undefined);
  assertEquals(places.take(claims("alex"), undefined), "over the user limit");
});

Deno.test("an address has as many places as the limit says, whoever the users are", () => {
  const places = placesBy({ perAddress: 2 });
  assertEquals(places.take(claims("alex"), from("2001:db8::1")), undefined);
  assertEquals(places.take(PUBLIC, from("2001:db8::2")), undefined);
  assertEquals(places.take(claims("bob"), from("2001:db8::ffff:3")), "over the address limit");
  assertEquals(places.take(claims("bob"), from("2001:db8:0:1::3")), undefined);
  places.giveBack(PUBLIC, from("2001:db8::2"));
  assertEquals(places.take(claims("bob"), from("2001:db8::3")), undefined);
});

Deno.test("a stream without a token has no user, and a client without an address none to count", () => {
  const places = placesBy({ perUser: 1, perAddress: 1 });
  for (const origin of [undefined, from("unix")]) {
    for (let n = 0; n < 3; n++) assertEquals(places.take(PUBLIC, origin), undefined);
  }
  // A user who happens to be called as everyone is.
  assertEquals(places.take(claims("*"), undefined), undefined);
  assertEquals(places.take(claims("*"), undefined), "over the user limit");
});

Deno.test("who is refused by one limit takes no place of the other", () => {
  const places = placesBy(LIMITS);
  for (let n = 0; n < 2; n++) {
    assertEquals(places.take(claims("alex"), from("10.0.0.1")), undefined);
  }
  for (let n = 0; n < 9; n++) {
    assertEquals(places.take(claims("alex"), from("10.0.0.1")), "over the user limit");
  }
  assertEquals(places.take(claims("bob"), from("10.0.0.1")), undefined);
  for (let n = 0; n < 9; n++) {
    assertEquals(places.take(claims("bob"), from("10.0.0.1")), "over the address limit");
  }
  assertEquals(places.take(claims("bob"), from("10.0.0.2")), undefined);
});

Deno.test("threads count together, and what a thread had is free when it has ended", () => {
  const table = new PlaceTable(LIMITS);
  const [first, second] = [table.connect(), table.connect()];
  const alex = { user: "alex", network: "10.0.0.1" };
  assertEquals([first.take(alex), second.take(alex)], [undefined, undefined]);
  assertEquals([first.take(alex), second.take(alex)], [
    "over the user limit",
    "over the user limit",
  ]);
  first.close();
  const third = table.connect();
  assertEquals([third.take(alex), second.take(alex)], [undefined, "over the user limit"]);
});

Deno.test("whatever comes and goes in whatever thread, no limit is exceeded and no place is lost", () =>
  withSeeds(20, (random) => {
    const table = new PlaceTable(LIMITS);
    const threads: { places: ThreadPlaces; held: StreamOwner[] }[] = [];
    const connect = () => threads.push({ places: table.connect(), held: [] });
    for (let n = 0; n < 3; n++) connect();
    const name = () => random.chance(0.1) ? undefined : `${random.between(1, 4)}`;
    for (let step = 0; step < 2000; step++) {
      const thread = random.pick(threads);
      const held = threads.flatMap((thread) => thread.held);
      const choice = random.weighted({ take: 60, giveBack: 39, die: 1 });
      if (choice === "die") {
        thread.places.close();
        threads.splice(threads.indexOf(thread), 1);
        connect();
      } else if (choice === "giveBack") {
        const [owner] = thread.held.splice(random.between(0, 5), 1);
        if (owner !== undefined) thread.places.giveBack(owner);
      } else {
        const owner = { user: name(), network: name() };
        const ofUser = held.filter(({ user }) => user === owner.user).length;
        const ofNetwork = held.filter(({ network }) => network === owner.network).length;
        const expected = owner.user !== undefined && ofUser >= LIMITS.perUser
          ? "over the user limit"
          : owner.network !== undefined && ofNetwork >= LIMITS.perAddress
          ? "over the address limit"
          : undefined;
        assertEquals(thread.places.take(owner), expected, `step ${step}`);
        if (expected === undefined) thread.held.push(owner);
      }
    }
    assert(threads.some(({ held }) => held.length > 0), "no place was taken");
    return Promise.resolve();
  }));
