import { controlKeyLine, digestOf } from "../../../src/auth/control_keys.ts";
import { readConfig } from "../../../src/config/config.ts";
import { StartError } from "../../../src/lib/errors.ts";
import { hasControlKeyFiles, readControlKeys } from "../../../src/server/read_control_keys.ts";
import { assert, assertEquals, assertThrows } from "../../support/assert.ts";
import { TempDir } from "../../support/temp_dir.ts";

function configOf(flags: Readonly<Record<string, string>>) {
  const given = Object.entries(flags).map(([name, value]) => [name, [value]]);
  return readConfig(Object.fromEntries(given), () => undefined);
}

Deno.test("without a setting there are no keys, and nothing to read anew", () => {
  const config = configOf({});
  assertEquals(readControlKeys(config), undefined);
  assertEquals(hasControlKeyFiles(config), false);
});

Deno.test("-control-key, as a text or in a file, is a key with every right", async () => {
  await using folder = await TempDir.make();
  const file = await folder.write("key", "k\n");
  for (const flags of [{ "control-key": "k" }, { "control-key-file": file }]) {
    const config = configOf(flags);
    const keys = readControlKeys(config) ?? [];
    assertEquals(keys.map(({ name, digest }) => [name, digest]), [["-control-key", digestOf("k")]]);
    assert(keys[0]?.rights.has("steer") && keys[0].rights.covers("emit", "chat"));
    assertEquals(hasControlKeyFiles(config), "control-key-file" in flags);
  }
});

Deno.test("the keys of a file stand beside the one of -control-key, which wins", async () => {
  await using folder = await TempDir.make();
  const lines = [controlKeyLine("shop", "s", ["emit:*"]), controlKeyLine("same", "k", ["read"])];
  const file = await folder.write("keys", lines.join("\n"));
  assertEquals(hasControlKeyFiles(configOf({ "control-keys": file })), true);
  const names = (flags: Readonly<Record<string, string>>) =>
    readControlKeys(configOf({ "control-keys": file, ...flags }))?.map(({ name }) => name);
  assertEquals(names({}), ["shop", "same"]);
  assertEquals(names({ "control-key": "k" }), ["shop", "same", "-control-key"]);
});

Deno.test("a file of keys that cannot be used is named, with what is wrong", async () => {
  await using folder = await TempDir.make();
  const read = (file: string) => () => readControlKeys(configOf({ "control-keys": file }));
  const wrong = await folder.write("wrong", "shop sha256:x all\n");
  assertThrows(read(wrong), /^Cannot use the control keys file .*wrong: line 1: after the name /);
  const missing = folder.join("missing");
  assertThrows(
    read(missing),
    /^Cannot read the control keys file .*missing: there is no such file\.$/,
  );
  try {
    read(wrong)();
  } catch (error) {
    assert(error instanceof StartError);
  }
});
