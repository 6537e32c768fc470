import type { RouteHandler } from "../router.ts";
import { pageHeaders } from "./page_headers.ts";

/** What the demo page is told. */
export interface DemoPageSettings {
  /** The control listener's address as it is bound. */
  readonly controlAddress: string;
  /** Whether back ends need a control key. */
  readonly keyed: boolean;
}

/**
 * `GET /` with `-dev`: a page that shows events as they arrive, emits one, and has code to copy.
 *
 * The page holds no secret, so that whoever reaches the client listener may load it. Its key is in the
 * fragment of the address that `-dev` prints, which a browser never sends.
 */
export function demoPageHandler(settings: DemoPageSettings): RouteHandler {
  return async () => {
    // Imported only when asked for: a server without -dev does not hold it.
    const [{ default: page }, { default: base }] = await Promise.all([
      import("./demo_page.html", { with: { type: "text" } }),
      import("../../operator_page/page_base.css", { with: { type: "text" } }),
    ]);
    const html = page.replace("/* page_base.css */", () => base);
    return new Response(fill(html, settings), {
      headers: pageHeaders(html, placesToAsk(settings)),
    });
  };
}

function fill(html: string, { controlAddress, keyed }: DemoPageSettings): string {
  return html.replace("CONTROL_ADDRESS", controlAddress).replace("IS_KEYED", String(keyed));
}

/** What the page asks: the two listeners. */
function placesToAsk({ controlAddress }: DemoPageSettings): string {
  // A policy cannot name an IPv6 address (CSP 3, 2.3.1), and 0.0.0.0 is none to connect to.
  const control = controlAddress.replace(/^(\[.*\]|0\.0\.0\.0):/, "*:");
  return `'self' http://${control}`;
}
