import { joinScripts } from "../../../../src/http/handlers/operator_page.ts";
import { PAGE_FILES } from "../../../../src/operator_page/page_files.ts";
import { assert, assertEquals } from "../../../support/assert.ts";
import { readSourceFiles } from "../../../support/source_files.ts";

Deno.test("joined modules see what they import, and nothing else of each other", () => {
  const script = joinScripts([
    [
      "one.js",
      "const secret = 1;\nexport const number = secret + 1;\nexport function twice(n) {\n  return 2 * n;\n}\n",
    ],
    [
      "two.js",
      'import { number, twice } from "./one.js";\nconst secret = 3;\nglobalThis.joined = [twice(number), secret];\n',
    ],
  ]);
  new Function(script)();
  assertEquals((globalThis as { joined?: unknown }).joined, [4, 3]);
});

Deno.test("the page has each of its scripts, after those that it imports from", async () => {
  const files = (await readSourceFiles()).filter(({ path }) =>
    /^src\/operator_page\/.*\.js$/.test(path)
  );
  const order = PAGE_FILES.scripts.map(([file]) => `src/operator_page/${file}`);
  assertEquals(order.toSorted(), files.map(({ path }) => path).toSorted());
  for (const { path, imports } of files) {
    for (const imported of imports) {
      assert(order.indexOf(imported) < order.indexOf(path), `${path} comes before ${imported}`);
    }
  }
});

Deno.test("every import and export of the page's scripts is of the form that is understood", () => {
  const script = joinScripts(PAGE_FILES.scripts);
  assertEquals(script.match(/^(import|export)\b.*$/gm), null);
  assertEquals(/<\/script|<!--/i.exec(script), null, "it would end the element");
});
