import type { TokenClaims } from "../../../src/auth/claims.ts";
import {
  keyOfTarget,
  type RevocationRecord,
  Revocations,
  targetOfKey,
} from "../../../src/auth/revocations.ts";
import { assert, assertEquals } from "../../support/assert.ts";
import { type SeededRandom, withSeed } from "../../support/seeded_random.ts";

const NOW = 1_800_000_000;
const LATER = NOW + 3600;

const ALEX: TokenClaims = {
  user: "alex",
  channels: ["chat", "news", "orders.7"],
  patterns: [],
  expiresAt: undefined,
  keyId: "k",
  issuedAt: NOW,
  tokenId: "t1",
};

function allowed(
  record: Partial<RevocationRecord> & Pick<RevocationRecord, "revokedAt">,
  claims: Partial<TokenClaims> = {},
): string {
  const revocations = new Revocations();
  const target = record.tokenId === undefined ? { user: "alex" } : {};
  revocations.add([{ ...target, forgetAt: LATER, ...record } as RevocationRecord], NOW);
  return revocations.allowed({ ...ALEX, ...claims }, NOW + 1).join();
}

Deno.test("what a user's tokens may hear after a revocation depends on when they were issued", () => {
  assertEquals(allowed({ revokedAt: NOW - 0.001 }), "chat,news,orders.7");
  assertEquals(allowed({ revokedAt: NOW }), "", "issued in that very millisecond");
  assertEquals(allowed({ revokedAt: NOW }, { issuedAt: NOW + 0.001 }), "chat,news,orders.7");
  assertEquals(allowed({ revokedAt: NOW - 9 }, { issuedAt: undefined }), "", "without iat");
  assertEquals(allowed({ revokedAt: NOW }, { user: "ann" }), "chat,news,orders.7");
});

Deno.test("a revocation for a channel, or a pattern, takes that away and leaves the others", () => {
  assertEquals(allowed({ revokedAt: NOW, channel: "chat" }), "news,orders.7");
  assertEquals(allowed({ revokedAt: NOW, channel: "orders.*" }), "chat,news");
  assertEquals(allowed({ revokedAt: NOW, channel: "*" }), "");
  assertEquals(allowed({ revokedAt: NOW, channel: "chat" }, { channels: ["chat"] }), "");
  assertEquals(allowed({ revokedAt: NOW - 1, channel: "chat" }), "chat,news,orders.7");
});

Deno.test("one token is refused by its jti, whenever it was issued, and no other", () => {
  for (const issuedAt of [NOW - 1, NOW + 1, undefined]) {
    assertEquals(allowed({ revokedAt: NOW, tokenId: "t1" }, { issuedAt }), "");
  }
  assertEquals(allowed({ revokedAt: NOW, tokenId: "t2" }), "chat,news,orders.7");
  assertEquals(
    allowed({ revokedAt: NOW, tokenId: "t1" }, { tokenId: undefined }),
    "chat,news,orders.7",
  );
});

Deno.test("a stream that needs no token is nobody's, even if a user has its name", () => {
  assertEquals(
    allowed({ user: "*", revokedAt: NOW }, { user: "*", isPublic: true, issuedAt: undefined }),
    "chat,news,orders.7",
  );
});

Deno.test("what is not touched keeps its very list, which streams share", () => {
  const revocations = new Revocations();
  assert(revocations.allowed(ALEX, NOW) === ALEX.channels, "without any revocation");
  revocations.add([{ user: "alex", channel: "other", revokedAt: NOW, forgetAt: LATER }], NOW);
  assert(revocations.allowed(ALEX, NOW) === ALEX.channels, "with one for another channel");
});

Deno.test("the later times count, and only what changes something is new", () => {
  const revocations = new Revocations();
  const record = { user: "alex", revokedAt: NOW, forgetAt: LATER };
  assertEquals(revocations.add([record], NOW), [record]);
  assertEquals(revocations.add([record, { ...record, revokedAt: NOW - 5 }], NOW), []);
  const merged = { ...record, revokedAt: NOW + 5 };
  assertEquals(revocations.add([{ ...merged, forgetAt: LATER - 9 }], NOW), [merged]);
  assertEquals([...revocations.all(NOW)], [merged]);
  assertEquals(revocations.add([{ ...record, forgetAt: NOW }], NOW), [], "over already");
});

Deno.test("a token that is made now is after everything that was revoked", () => {
  const revocations = new Revocations();
  assertEquals(revocations.timeAfterLast("alex"), -Infinity);
  revocations.add([
    { user: "alex", channel: "a", revokedAt: NOW + 0.007, forgetAt: LATER },
    { user: "alex", revokedAt: NOW, forgetAt: LATER },
    { user: "ann", revokedAt: NOW + 9, forgetAt: LATER },
  ], NOW);
  assertEquals(revocations.timeAfterLast("alex"), NOW + 0.008);
});

Deno.test("a target is the same after it was written and read", () => {
  const targets = [{ user: "a" }, { user: "a", channel: 'b"' }, { tokenId: "a" }];
  assertEquals(targets.map(keyOfTarget).map(targetOfKey), targets);
  assertEquals(new Set(targets.map(keyOfTarget)).size, 3);
});

const USERS = ["ann", "bob", "eve"];
const CHANNELS = ["chat", "news", "orders.1", "orders.2"];
const TOKENS = ["t1", "t2"];

/** Keeps every record of each target for as long as one of them counts, and looks at all of them. */
class NaiveRevocations {
  #records: readonly RevocationRecord[] = [];

  add(records: readonly RevocationRecord[], now: number): void {
    this.#records = [...this.#counting(now), ...records.filter(({ forgetAt }) => forgetAt > now)];
  }

  allowed({ user, channels, tokenId, issuedAt = -Infinity }: TokenClaims, now: number) {
    return channels.filter((channel) =>
      !this.#counting(now).some((record) =>
        record.tokenId === undefined
          ? record.user === user && issuedAt <= record.revokedAt && fits(record.channel, channel)
          : record.tokenId === tokenId
      )
    );
  }

  count(now: number): number {
    return new Set(this.#counting(now).map(keyOfTarget)).size;
  }

  #counting(now: number): readonly RevocationRecord[] {
    const alive = new Set(
      this.#records.filter(({ forgetAt }) => forgetAt > now).map(keyOfTarget),
    );
    return this.#records.filter((record) => alive.has(keyOfTarget(record)));
  }
}

function fits(revoked: string | undefined, channel: string): boolean {
  if (revoked === undefined) return true;
  return revoked.endsWith("*") ? channel.startsWith(revoked.slice(0, -1)) : revoked === channel;
}

function randomRecord(random: SeededRandom, now: number): RevocationRecord {
  // Clocks of other servers, and records that were made long ago.
  const revokedAt = now + random.between(-50, 5);
  const times = { revokedAt, forgetAt: revokedAt + random.between(20, 100) };
  if (random.chance(0.2)) return { tokenId: random.pick(TOKENS), ...times };
  const user = random.pick(USERS);
  if (random.chance(0.3)) return { user, ...times };
  return { user, channel: random.pick([...CHANNELS, "orders.*"]), ...times };
}

function randomClaims(random: SeededRandom, now: number): TokenClaims {
  const channels = CHANNELS.filter(() => random.chance(0.6));
  return {
    ...ALEX,
    user: random.pick(USERS),
    channels: channels.length === 0 ? ["chat"] : channels,
    issuedAt: random.chance(0.2) ? undefined : now + random.between(-60, 5),
    tokenId: random.chance(0.5) ? random.pick(TOKENS) : undefined,
  };
}

function compareWithNaive(random: SeededRandom): void {
  const [revocations, naive] = [new Revocations(), new NaiveRevocations()];
  let now = NOW;
  for (let step = 0; step < 400; step++) {
    const records = Array.from({ length: random.between(0, 3) }, () => randomRecord(random, now));
    revocations.add(records, now);
    naive.add(records, now);
    if (random.chance(0.5)) now += random.between(0, 40);
    for (let n = 0; n < 5; n++) {
      const claims = randomClaims(random, now);
      const heard = revocations.allowed(claims, now);
      assertEquals(heard, naive.allowed(claims, now), `in step ${step}`);
    }
    assertEquals([...revocations.all(now)].length, naive.count(now));
    assert(revocations.count(now) >= naive.count(now), "some may be over");
  }
  now += 1000;
  assertEquals([revocations.count(now), [...revocations.all(now)]], [0, []]);
}

Deno.test("whatever is revoked, a token hears what a search through all records says", () =>
  withSeed((random) => Promise.resolve(compareWithNaive(random))));
