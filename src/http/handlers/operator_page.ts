import type { PageScript } from "../../operator_page/page_files.ts";
import type { RouteHandler } from "../router.ts";
import { pageHeaders } from "./page_headers.ts";

/**
 * `GET /` on the control listener: the operator's page. It is the same for everybody and holds no data, so
 * that it is served without a key; what it shows it asks for with the key.
 */
export function operatorPageHandler(): RouteHandler {
  let page: Promise<Page> | undefined;
  return async () => {
    const { html, headers } = await (page ??= makePage());
    return new Response(html, { headers });
  };
}

interface Page {
  readonly html: string;
  readonly headers: HeadersInit;
}

async function makePage(): Promise<Page> {
  // Imported only when asked for: most servers are started without anybody looking at them.
  const { PAGE_FILES } = await import("../../operator_page/page_files.ts");
  const script = joinScripts(PAGE_FILES.scripts);
  const html = PAGE_FILES.html
    .replace("STYLE", () => PAGE_FILES.css)
    .replace("SCRIPT", () => script);
  const headers = {
    ...pageHeaders(html, "'self'"),
    "Cross-Origin-Opener-Policy": "same-origin",
  };
  return { html, headers };
}

/**
 * Makes one script of several modules: a policy can allow a script by its digest, but not what that one would
 * import. Each becomes a function of its own, and what it exports is what the function returns.
 */
export function joinScripts(scripts: readonly PageScript[]): string {
  const parts = scripts.map(([file, text]) => {
    const exported = [...text.matchAll(/^export (?:async )?(?:function|const|class) (\w+)/gm)];
    const code = text
      .replace(/^import (\{[^}]*\}) \w+ "\.\/(\w+\.js)";$/gm, 'const $1 = modules["$2"];')
      .replace(/^export /gm, "");
    const names = exported.map(([, name]) => name).join(", ");
    return `modules["${file}"] = (() => {\n${code}\nreturn { ${names} };\n})();`;
  });
  return ['"use strict";', "const modules = {};", ...parts].join("\n");
}
