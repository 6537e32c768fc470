import { createHash } from "node:crypto";

/**
 * The headers of a page of ours: it may run its own script, use its own style, and ask these places; nothing
 * else.
 *
 * @param html the page as it is sent, with one script and one style.
 * @param connect what it may ask, as a policy names it (CSP 3, 2.3.1).
 */
export function pageHeaders(html: string, connect: string): Readonly<Record<string, string>> {
  const policy = [
    "default-src 'none'",
    `script-src '${digestOf("script", html)}'`,
    `style-src '${digestOf("style", html)}'`,
    "img-src data:",
    `connect-src ${connect}`,
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
    "require-trusted-types-for 'script'",
  ];
  return {
    "Content-Type": "text/html; charset=utf-8",
    "Content-Security-Policy": policy.join("; "),
    "Cache-Control": "no-store",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
  };
}

/** The digest by which a policy allows a page's one element of a kind (CSP 3, 2.3.1). */
function digestOf(element: "script" | "style", html: string): string {
  const start = html.indexOf(`<${element}>`) + element.length + 2;
  const content = html.slice(start, html.indexOf(`</${element}>`, start));
  return `sha256-${createHash("sha256").update(content).digest("base64")}`;
}
