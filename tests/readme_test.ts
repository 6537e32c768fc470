/** What the README shows is what the program has, and what the tests run. */
import { SERVER_OPTIONS } from "../src/config/options.ts";
import { readmeVirtualHost, SSE_AWAY_FILE } from "./support/apache.ts";
import { assert, assertEquals } from "./support/assert.ts";
import { readmeServerBlock } from "./support/nginx.ts";

const README = await Deno.readTextFile(new URL("../README.md", import.meta.url));
const CLIENT_LISTENER = "127.0.0.1:8000";

Deno.test("the README's table lists every flag with its default and what it does", () => {
  const rows = README.match(/^\| `-.*\|$/gm) ?? [];
  const expected = SERVER_OPTIONS.map((option) => {
    const value = "value" in option ? ` ${option.value}` : "";
    const standard = option.default === "" ? "" : `\`${option.default}\``;
    return `| \`-${option.name}\`${value} | ${standard} | ${option.help} |`;
  });
  assert(!README.includes("@@"), "a placeholder is left");
  assertEquals(rows.filter((row) => !row.startsWith("| `-store` |")), expected);
});

Deno.test("the README's Apache block is the one that the tests run", () => {
  assertEquals(readmeVirtualHost(443, CLIENT_LISTENER).trim(), fenced("apache"));
  assertEquals(SSE_AWAY_FILE["sse-away.asis"], fenced("http", "Status: 200") + "\n\n");
});

Deno.test("the README's nginx block is the one that the tests run", () => {
  const lines = readmeServerBlock(80, CLIENT_LISTENER).split("\n");
  const dedented = lines.map((line) => line.replace(/^ {4}/, "")).join("\n");
  const shown = fenced("nginx");
  assert(dedented.includes(shown), `in the tests:\n${dedented}\nin the README:\n${shown}`);
});

/** The first code block that is marked so and starts so, without the white space around it. */
function fenced(mark: string, start = ""): string {
  const blocks = README.matchAll(/^```(\w+)\n([^]*?)^```$/gm);
  const block = blocks.find(([, its, text]) => its === mark && text?.startsWith(start));
  assert(block !== undefined, `the README has no block marked ${mark} that starts with "${start}"`);
  return String(block[2]).trim();
}
