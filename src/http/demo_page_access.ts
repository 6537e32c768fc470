import { digestOf } from "../auth/control_keys.ts";
import { ControlRights } from "../auth/control_rights.ts";
import { hostWithoutPort, isIpAddress, isLoopback } from "../lib/address.ts";
import { ControlKeyRefused } from "../lib/errors.ts";
import { bearerOf } from "./bearer.ts";
import { Caller } from "./caller.ts";
import { corsHeaders } from "./cors.ts";

/** Who the demo page is. */
export interface DemoPageAccessOptions {
  /** What it sends as `Authorization: Bearer KEY`. */
  readonly key: string;
  /** The client listener's address as it is bound, with its scheme. */
  readonly clientOrigin: string;
  /** Names of its origin besides that one, localhost and IP addresses; in lower case. */
  readonly hosts: readonly string[];
}

const RIGHTS = ControlRights.of("emit:chat", "token:chat");

/** The demo page with its key. No key of an operator has a name with a space. */
const DEMO_PAGE = new Caller("demo page", () => RIGHTS);

/**
 * Lets the demo page of `-dev` use the control listener. The page comes from the client listener, so
 * its requests are those of another origin. It needs both: that origin, which a browser tells and a
 * page cannot choose, and the key.
 */
export class DemoPageAccess {
  readonly #keyDigest: string;
  readonly #hosts: readonly string[];
  readonly #protocol: string;
  /** Empty for the scheme's own, as in an origin. */
  readonly #port: string;

  constructor({ key, clientOrigin, hosts }: DemoPageAccessOptions) {
    const { protocol, hostname, port } = new URL(clientOrigin);
    this.#protocol = protocol;
    this.#keyDigest = digestOf(key);
    this.#hosts = [hostname, ...hosts];
    this.#port = port;
  }

  /** Whether the request comes from the origin of the demo page. */
  isOrigin({ headers }: Request): boolean {
    const url = URL.parse(headers.get("Origin") ?? "");
    if (url?.protocol !== this.#protocol || url.port !== this.#port) return false;
    const name = hostWithoutPort(url.host) ?? "";
    // A rebound name is none of these.
    return isLoopback(name) || isIpAddress(name) || this.#hosts.includes(name);
  }

  /**
   * Tells what the page may do.
   *
   * @throws ControlKeyRefused
   */
  check(request: Request): Caller {
    // A preflight asks whether the page may send its key, and so has none.
    if (request.method === "OPTIONS") return Caller.stranger;
    if (digestOf(bearerOf(request) ?? "") === this.#keyDigest) return DEMO_PAGE;
    throw new ControlKeyRefused(
      "Demo page refused: its key is not the server's. Open the address that -dev printed.",
    );
  }

  /** The headers that let the page read an answer. */
  headers(request: Request): Readonly<Record<string, string>> {
    const origin = request.headers.get("Origin");
    return corsHeaders(request, origin !== null && this.isOrigin(request) ? [origin] : []);
  }
}
