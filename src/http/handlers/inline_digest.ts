import { createHash } from "node:crypto";

/** The digest by which a policy allows a page's one element of a kind (CSP 3, 2.3.1). */
export function digestOf(element: "script" | "style", html: string): string {
  const start = html.indexOf(`<${element}>`) + element.length + 2;
  const content = html.slice(start, html.indexOf(`</${element}>`, start));
  return `sha256-${createHash("sha256").update(content).digest("base64")}`;
}
