import { assert, assertEquals, assertThrows } from "../../support/assert.ts";
import { type List, listOf, type ListRequest, readListRequest } from "../../../src/http/paging.ts";
import { BadField } from "../../../src/lib/errors.ts";
import { type SeededRandom, withSeeds } from "../../support/seeded_random.ts";

const RULES = {
  sorts: ["name", "subscribers"],
  defaultSort: "-subscribers",
  filters: ["search", "user"],
} as const;

function read(query: string) {
  return readListRequest(new URLSearchParams(query), RULES);
}

function refusal(query: string): string {
  try {
    read(query);
  } catch (error) {
    assert(error instanceof BadField);
    return error.message;
  }
  throw new Error(`${query} was accepted`);
}

Deno.test("a list that is asked for nothing in particular has its first hundred items in the standard order", () => {
  const standard = {
    limit: 100,
    offset: 0,
    sort: { by: "subscribers", descending: true },
    filters: {},
  } as const;
  assertEquals(readListRequest(undefined, RULES), standard);
  assertEquals(read(""), standard);
});

Deno.test("a request for a list says how many, from where, in which order, and what they have in common", () => {
  assertEquals(read("limit=1000&offset=20&sort=name&search=a%20b&user=alex"), {
    limit: 1000,
    offset: 20,
    sort: { by: "name", descending: false },
    filters: { search: "a b", user: "alex" },
  });
});

Deno.test("a wrong, repeated or unknown field of a list is refused by its name", () => {
  const limit = "Bad field limit: it must be a whole number from 1 to 1000.";
  for (const wrong of ["0", "1001", "-1", "1.5", "1e2", "", "ten", "99999999999"]) {
    assertEquals(refusal(`limit=${wrong}`), limit);
  }
  assertEquals(
    refusal("offset=-1"),
    "Bad field offset: it must be a whole number from 0 to 1000000000.",
  );
  for (const wrong of ["", "-", "--name", "Name", "age"]) {
    assertEquals(
      refusal(`sort=${wrong}`),
      "Bad field sort: it must be name, subscribers, or one of them after a - to begin at the end.",
    );
  }
  for (const name of ["search", "user"]) {
    assertEquals(
      refusal(`${name}=`),
      `Bad field ${name}: it is empty.`,
    );
  }
  assertEquals(refusal("user=a&user=b"), "Bad field user: it was given twice.");
  assertEquals(
    refusal("channel=chat"),
    "Bad field channel: this list takes limit, offset, sort, search, user.",
  );
  const unfiltered = { sorts: RULES.sorts, defaultSort: RULES.defaultSort };
  assertThrows(
    () => readListRequest(new URLSearchParams("search=x"), unfiltered),
    /^Bad field search: this list takes limit, offset, sort\.$/,
  );
});

Deno.test("whoever follows next from the first part gets every item once, and keeps order and filters", async () => {
  await withSeeds(50, (random) => Promise.resolve(followNext(random)));
});

function followNext(random: SeededRandom): void {
  const all = Array.from({ length: random.between(0, 300) }, (_, n) => n);
  const query = new URLSearchParams({ sort: "name", search: "a&b=c d%", limit: "7" });
  if (random.chance(0.5)) query.set("limit", String(random.between(1, 400)));
  let next: List<number>["next"] = `/channels/?${query}`;
  const seen: number[] = [];
  while (next !== null) {
    const request: Request = new Request(`http://127.0.0.1:8001${next}`);
    const asked: ListRequest<string, string> = readListRequest(
      new URL(request.url).searchParams,
      RULES,
    );
    assertEquals(asked.sort, { by: "name", descending: false });
    assertEquals(asked.filters, { search: "a&b=c d%" });
    const items = all.slice(asked.offset, asked.offset + asked.limit);
    const list: List<number> = listOf(items, all.length, asked, request);
    assertEquals(list.total, all.length);
    seen.push(...list.items);
    next = list.next;
  }
  assertEquals(seen, all);
}
