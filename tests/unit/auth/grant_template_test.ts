import {
  Grants,
  type GrantTemplate,
  parseGrantTemplate,
} from "../../../src/auth/grant_template.ts";
import { assert, assertEquals, assertThrows } from "../../support/assert.ts";

function grantsOf(...texts: readonly string[]): Grants {
  const templates = texts.map(parseGrantTemplate);
  return new Grants(templates.filter((one): one is GrantTemplate => one !== undefined));
}

Deno.test("claims are filled into the places that name them", () => {
  const payload = { sub: "alex", org: { id: 17 }, "a b": "c" };
  const grants = grantsOf("user.{sub}", "org.{/org/id}.news.*", "{sub}/{a b}", "news", "*");
  assertEquals(grants.fill(payload), ["user.alex", "org.17.news.*", "alex/c", "news", "*"]);
});

Deno.test("names as issuers make them are filled in as they are", () => {
  const names = ["248289761001", "f2a1b6a0-12c0-4e3a-9d0f-1c2b3a4d5e6f", "auth0|5f7c8ec7", "é ✓"];
  for (const sub of names) {
    assertEquals(grantsOf("my-team.user.{sub}").fill({ sub }), [`my-team.user.${sub}`]);
  }
  assertEquals(grantsOf("user/{email}").fill({ email: "a.b@c.example" }), ["user/a.b@c.example"]);
});

Deno.test("a claim that is missing, or is no name, is refused", () => {
  for (const sub of [undefined, null, "", 1.5, true, ["a"], {}, "x\0", "x".repeat(257)]) {
    assertThrows(
      () => grantsOf("user.{sub}").fill({ sub }),
      /^Token refused: its claim sub must be a text or a whole number \(-grant\)\.$/,
    );
  }
  assertThrows(() => grantsOf("user.{sub}").fill({ sub: "x".repeat(255) }), /too long \(-grant\)/);
});

Deno.test("a claim that would inject a pattern or a separator of any template is refused", () => {
  const grants = grantsOf("user.{sub}", "x/{org}:{sub}");
  const filled = grants.fill({ sub: "a-b|c", org: "o" });
  assertEquals(filled, ["user.a-b|c", "x/o:a-b|c"]);
  for (const sub of ["*", "a*", "alex.admin", ".", "a/b", "a:b"]) {
    assertThrows(
      () => grants.fill({ sub, org: "o" }),
      /^Token refused: its claim sub contains \* or a character that stands next to a claim in -grant/,
    );
  }
});

Deno.test("a template that does not tell where a claim ends is none", () => {
  for (const text of ["user.{sub}*", "user.{sub}x*", "user.{sub}**", "{org}{sub}", "{org}x{sub}"]) {
    assertEquals(parseGrantTemplate(text), undefined, text);
  }
  for (const text of ["user.{sub}.*", "{org}-x{sub}", "{org}x-{sub}", "x*", "*", "user{sub}s"]) {
    assert(parseGrantTemplate(text) !== undefined, text);
  }
});

Deno.test("a text whose braces do not hold a claim is no template", () => {
  for (const text of ["", "{", "}", "{}", "a{b", "a}b", "{a{b}}", '{"}']) {
    assertEquals(parseGrantTemplate(text), undefined, text);
  }
});
