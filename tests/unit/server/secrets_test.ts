import { StartError } from "../../../src/lib/errors.ts";
import { isShort, randomSecret, readSecret, readSecretLines } from "../../../src/server/secrets.ts";
import { assert, assertEquals, assertMatch, assertThrows } from "../../support/assert.ts";
import { TempDir } from "../../support/temp_dir.ts";

function refusal(file: string): string {
  try {
    readSecret({ text: undefined, file });
  } catch (error) {
    assert(error instanceof StartError, `a failed start, not ${error}`);
    return error.message;
  }
  throw new Error(`${file} was accepted`);
}

Deno.test("a secret given as text is taken as it is, and none is none", () => {
  assertEquals(readSecret({ text: " s \n", file: undefined }), " s \n");
  assertEquals(readSecret({ text: undefined, file: undefined }), undefined);
});

Deno.test("of a file the last line end is left out, and nothing else", async () => {
  await using folder = await TempDir.make();
  const cases = {
    "s": "s",
    "s\n": "s",
    "s\r\n": "s",
    "s\n\n": "s\n",
    " é \r": " é \r",
    "a\nb\n": "a\nb",
  };
  for (const [content, secret] of Object.entries(cases)) {
    const file = await folder.write("secret", content);
    assertEquals(readSecret({ text: undefined, file }), secret, JSON.stringify(content));
  }
});

Deno.test("a file that holds no secret is refused by name, in one line", async () => {
  await using folder = await TempDir.make();
  for (const content of ["", "\n", "\r\n"]) {
    const file = await folder.write("blank", content);
    assertEquals(refusal(file), `Cannot use the secret file ${file}: it is empty.`);
  }
  assertMatch(refusal(folder.join("missing")), /^Cannot read .*missing: there is no such file\.$/);
  assertMatch(refusal(folder.path), /^Cannot read the secret file [^\n]*\.$/);
});

Deno.test("a file of secrets holds one on each line that is not empty", async () => {
  await using folder = await TempDir.make();
  const cases = {
    "s": ["s"],
    "s\n": ["s"],
    "new\r\nold\r\n": ["new", "old"],
    "\n a b \n\nc": [" a b ", "c"],
    " é \r": [" é \r"],
  };
  for (const [content, secrets] of Object.entries(cases)) {
    const file = await folder.write("secrets", content);
    assertEquals(readSecretLines(file), secrets, JSON.stringify(content));
  }
  for (const content of ["", "\n", "\r\n\n"]) {
    const file = await folder.write("blank", content);
    assertThrows(() => readSecretLines(file), /^Cannot use the secret file \S+: it is empty\.$/);
  }
});

Deno.test("a random secret is 256 bits that no other has", () => {
  const [one, two] = [randomSecret(), randomSecret()];
  assertMatch(one, /^[0-9a-f]{64}$/);
  assert(one !== two);
});

Deno.test("a secret is short if it has fewer than 32 bytes, however many characters these are", () => {
  assertEquals(["s".repeat(31), "é".repeat(15)].map(isShort), [true, true]);
  assertEquals(["s".repeat(32), "é".repeat(16), randomSecret()].map(isShort), [
    false,
    false,
    false,
  ]);
});
