import { type ControlKey, digestOf } from "../auth/control_keys.ts";
import { hostWithoutPort, isIpAddress, isLoopback } from "../lib/address.ts";
import { ControlForbidden, ControlKeyRefused } from "../lib/errors.ts";
import { bearerOf } from "./bearer.ts";
import { Caller } from "./caller.ts";
import type { DemoPageAccess } from "./demo_page_access.ts";
import { authorityOf, targetOf } from "./target.ts";

const NO_PATHS: ReadonlySet<string> = new Set();

/** Who may use the control listener. */
export interface ControlAccessOptions {
  /** The host it was told to bind; `undefined` for every address. */
  readonly boundHost: string | undefined;
  /** Further names, in lower case. */
  readonly hosts: readonly string[];
  /** `undefined` where anyone who reaches the listener may do everything. */
  readonly keys: readonly ControlKey[] | undefined;
  /** Set with `-dev`. Default: there is no demo page. */
  readonly demoPage?: DemoPageAccess | undefined;
}

/**
 * Refuses control requests that a web page made somebody's browser send, and those without a key.
 *
 * A page of any site can make a browser POST a form to this machine, and by giving its own name this
 * machine's address (DNS rebinding) even as its own origin. Both show in headers that a page cannot
 * set: `Origin` and `Sec-Fetch-Site`, which programs do not send, and `Host`.
 */
export class ControlAccess {
  readonly #options: ControlAccessOptions;
  /** By digest. */
  #keys: ReadonlyMap<string, ControlKey> | undefined;

  constructor(options: ControlAccessOptions) {
    this.#options = options;
    this.#keys = options.keys && byDigest(options.keys);
  }

  /** Replaces the keys; a request that goes on with a key that is gone may do nothing more. */
  useKeys(keys: readonly ControlKey[]): void {
    this.#keys = byDigest(keys);
  }

  /**
   * Tells who sends a request. What the caller may do is for the route to ask.
   *
   * @param keyless paths that are served without a key: a browser sends none when it loads a page.
   * @throws ControlForbidden, ControlKeyRefused
   */
  check(request: Request, keyless: ReadonlySet<string> = NO_PATHS): Caller {
    const host = this.#checkHost(request);
    const { demoPage } = this.#options;
    if (demoPage?.isOrigin(request)) return demoPage.check(request);
    checkOrigin(request, host);
    if (this.#keys === undefined) return Caller.anyone;
    const given = bearerOf(request);
    if (given === undefined) {
      if (keyless.has(targetOf(request).path)) return Caller.stranger;
      throw new ControlKeyRefused("Control key missing: send Authorization: Bearer KEY.");
    }
    const digest = digestOf(given, "latin1");
    return new Caller(this.#keyOf(digest).name, () => this.#keyOf(digest).rights);
  }

  #keyOf(digest: string): ControlKey {
    const key = this.#keys?.get(digest);
    if (key !== undefined) return key;
    throw new ControlKeyRefused("Control key refused: it is not the server's.");
  }

  /** The host and port that the request names, if it may name them. */
  #checkHost(request: Request): string {
    // HTTP/2 has no Host header: there the name is in the URL.
    const host = request.headers.get("Host") ?? authorityOf(request);
    if (this.#allowsHost(hostWithoutPort(host) ?? "")) return host;
    const rule = "is neither the bound address nor localhost. Allow the name with -control-host.";
    throw new ControlForbidden(
      `Control request refused: its Host ${JSON.stringify(host)} ${rule}`,
      `Control request refused: its Host ${rule}`,
    );
  }

  #allowsHost(name: string): boolean {
    const { boundHost, hosts } = this.#options;
    if (
      isLoopback(name) || name === boundHost?.toLowerCase() ||
      hosts.includes(name)
    ) return true;
    // On every address of the machine, any of them is a bound one; a rebound name is never an address.
    const everyAddress = boundHost === undefined || boundHost === "0.0.0.0" ||
      boundHost === "::";
    return everyAddress && isIpAddress(name);
  }
}

function checkOrigin({ headers }: Request, host: string): void {
  const site = headers.get("Sec-Fetch-Site");
  if (site !== null && site !== "none" && site !== "same-origin") {
    throw new ControlForbidden(
      "Control request refused: a page of another site sent it.",
    );
  }
  const origin = headers.get("Origin");
  // With https there is a proxy between, and the page comes by way of it too.
  if (origin !== null && origin !== `http://${host}` && origin !== `https://${host}`) {
    throw new ControlForbidden(
      "Control request refused: a page of another origin sent it.",
    );
  }
}

function byDigest(keys: readonly ControlKey[]): ReadonlyMap<string, ControlKey> {
  return new Map(keys.map((key) => [key.digest, key]));
}
