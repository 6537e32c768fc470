import { createHash, timingSafeEqual } from "node:crypto";
import { hostWithoutPort, isIpAddress, isLoopback } from "../lib/address.ts";
import { ControlForbidden, ControlKeyRefused } from "../lib/errors.ts";
import { bearerOf } from "./bearer.ts";
import { corsHeaders } from "./cors.ts";
import { targetOf } from "./target.ts";

/** Who the demo page is. */
export interface DemoPageAccessOptions {
  /** What it sends as `Authorization: Bearer KEY`. */
  readonly key: string;
  /** Names of its origin besides localhost and IP addresses, in lower case. */
  readonly hosts: readonly string[];
  /** The client listener's port. */
  readonly port: () => number;
}

/** What the demo page may ask for. */
export const DEMO_PAGE_PATHS: readonly string[] = ["/emit/", "/token/"];

/**
 * Lets the demo page of `-dev` use the control listener. The page comes from the client listener, so
 * its requests are those of another origin. It needs both: that origin, which a browser tells and a
 * page cannot choose, and the key.
 */
export class DemoPageAccess {
  readonly #options: DemoPageAccessOptions;

  constructor(options: DemoPageAccessOptions) {
    this.#options = options;
  }

  /** Whether the request comes from the origin of the demo page. */
  isOrigin({ headers }: Request): boolean {
    const { hosts, port } = this.#options;
    const url = URL.parse(headers.get("Origin") ?? "");
    if (url === null || url.protocol !== "http:" || Number(url.port || 80) !== port()) return false;
    const name = hostWithoutPort(url.host) ?? "";
    // A rebound name is none of these.
    return isLoopback(name) || isIpAddress(name) || hosts.includes(name);
  }

  /** @throws ControlForbidden, ControlKeyRefused */
  check(request: Request): void {
    const { path } = targetOf(request);
    if (!DEMO_PAGE_PATHS.includes(path)) {
      throw new ControlForbidden(`Control request refused: the demo page may not use ${path}.`);
    }
    // A preflight asks whether the page may send its key, and so has none.
    if (request.method === "OPTIONS") return;
    const given = digest(bearerOf(request) ?? "");
    if (!timingSafeEqual(given, digest(this.#options.key))) {
      throw new ControlKeyRefused(
        "Demo page refused: its key is not the server's. Open the address that -dev printed.",
      );
    }
  }

  /** The headers that let the page read an answer. */
  headers(request: Request): Readonly<Record<string, string>> {
    return corsHeaders(
      request,
      this.isOrigin(request) ? [request.headers.get("Origin") ?? ""] : [],
    );
  }
}

function digest(text: string): Uint8Array {
  return createHash("sha256").update(text).digest();
}
