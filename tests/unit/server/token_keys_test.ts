import type { TokenKeySources } from "../../../src/config/config.ts";
import { StartError } from "../../../src/lib/errors.ts";
import { TokenKeys } from "../../../src/server/token_keys.ts";
import { assert, assertEquals, assertMatch, assertThrows } from "../../support/assert.ts";
import { TempDir } from "../../support/temp_dir.ts";

const NONE: TokenKeySources = {
  secrets: [],
  secretFiles: [],
  publicKeyFiles: [],
  keySetFiles: [],
  keySetUrls: [],
};

Deno.test("without any key there is a random secret, the same each time", () => {
  const keys = new TokenKeys(NONE);
  const { secrets } = keys.read();
  assertEquals([keys.isRandom, secrets.length], [true, 1]);
  assertMatch(String(secrets[0]), /^[0-9a-f]{64}$/);
  assertEquals([keys.read().secrets, keys.canChange], [secrets, false]);
  for (const sources of [{ secrets: ["s"] }, { keySetUrls: ["https://a.example/k"] }]) {
    const given = new TokenKeys({ ...NONE, ...sources });
    assertEquals([given.isRandom, given.read().secrets], [false, sources.secrets ?? []]);
    assertEquals(given.canChange, sources.secrets === undefined, "files and issuers may change");
  }
});

Deno.test("files are read in the order of the flags, and anew each time", async () => {
  await using folder = await TempDir.make();
  const one = await folder.write("one", "a\nb\n");
  const two = await folder.write("two", "c");
  const pem = await folder.write("key.pem", "PEM");
  const set = await folder.write("keys.json", "{}");
  const keys = new TokenKeys({
    ...NONE,
    secretFiles: [one, two],
    publicKeyFiles: [pem],
    keySetFiles: [set],
    keySetUrls: ["https://a.example/k"],
  });
  const material = keys.read();
  assertEquals(material, {
    secrets: ["a", "b", "c"],
    publicKeys: [{ file: pem, content: "PEM" }],
    keySets: [{ file: set, content: "{}" }],
    keySetUrls: ["https://a.example/k"],
  });
  assertEquals(structuredClone(material), material, "plain data");
  await folder.write("one", "d\na\n");
  assertEquals(keys.read().secrets, ["d", "a", "c"]);
});

Deno.test("a file that cannot be read is refused by what it is and its name", async () => {
  await using folder = await TempDir.make();
  const missing = [folder.join("missing")];
  const wrong: readonly [sources: Partial<TokenKeySources>, what: RegExp][] = [
    [{ secretFiles: missing }, /^Cannot read the secret file \S+: there is no such file\.$/],
    [{ publicKeyFiles: missing }, /^Cannot read the public key \S+: there is no such file\.$/],
    [{ keySetFiles: missing }, /^Cannot read the key set \S+: there is no such file\.$/],
  ];
  for (const [sources, what] of wrong) {
    const keys = new TokenKeys({ ...NONE, ...sources });
    assertThrows(() => keys.read(), what);
  }
  const error = await Promise.try(() => new TokenKeys({ ...NONE, secretFiles: missing }).read())
    .catch((error) => error);
  assert(error instanceof StartError, `${error}`);
});
