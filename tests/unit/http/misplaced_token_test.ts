import { findMisplacedToken } from "../../../src/http/misplaced_token.ts";
import { assert, assertEquals, assertMatch } from "../../support/assert.ts";
import { makeToken } from "../../support/jwt.ts";

const TOKEN = makeToken({ userId: "alex", channel: "chat" }, { secret: "s" });

function find(query: string, headers: HeadersInit = {}): string | undefined {
  const request = new Request(`http://127.0.0.1/events/${query}`, { headers });
  return findMisplacedToken(request, new URL(request.url).searchParams);
}

Deno.test("a token in another place is told its own, and not repeated", () => {
  const found = [
    find(`?access_token=${TOKEN}`),
    find(`?jwt=Bearer+${TOKEN}`),
    find("", { Authorization: TOKEN }),
    find("", { Authorization: `Token ${TOKEN}` }),
  ];
  for (const sentence of found) {
    assertMatch(sentence ?? "", /^A token was found in .*; send it as .*TOKEN\.$/);
    assert(!sentence?.includes(TOKEN.slice(0, 10)));
  }
  assertMatch(found[0] ?? "", /\?access_token=; send it as \?token=TOKEN/);
});

Deno.test("what is no token is not taken for one", () => {
  assertEquals(find("?lastEventId=1795335175942000-oprfql&a=b.c.d"), undefined);
  assertEquals(find("", { Authorization: "Basic YWxleDpzZWNyZXQ=" }), undefined);
  assertEquals(find("", { Cookie: `session=${TOKEN}` }), undefined);
  assertEquals(findMisplacedToken(new Request("http://127.0.0.1/"), undefined), undefined);
});

Deno.test("a search for tokens takes no longer in a text that looks like many beginnings of one", () => {
  for (const start of ["eyJ", "eyJ-", "eyJ.", "eyJ%2E", "%2FeyJ", "-eyJa.b"]) {
    // Where each beginning is looked at to the end, this takes minutes.
    const text = start.repeat(300_000);
    find("", { Authorization: text });
  }
});
