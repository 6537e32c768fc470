import { createHash, timingSafeEqual } from "node:crypto";
import { hostWithoutPort, isIpAddress, isLoopback } from "../lib/address.ts";
import { ControlForbidden, ControlKeyRefused } from "../lib/errors.ts";
import { bearerOf } from "./bearer.ts";
import { authorityOf } from "./target.ts";

/** Who may use the control listener. */
export interface ControlAccessOptions {
  /** The host it was told to bind; `undefined` for every address. */
  readonly boundHost: string | undefined;
  /** Further names, in lower case. */
  readonly hosts: readonly string[];
  readonly key: string | undefined;
}

/**
 * Refuses control requests that a web page made somebody's browser send, and those without the key.
 *
 * A page of any site can make a browser POST a form to this machine, and by giving its own name this
 * machine's address (DNS rebinding) even as its own origin. Both show in headers that a page cannot
 * set; programs do not send the first two.
 */
export class ControlAccess {
  readonly #options: ControlAccessOptions;
  readonly #keyDigest: Uint8Array | undefined;

  constructor(options: ControlAccessOptions) {
    this.#options = options;
    this.#keyDigest = options.key === undefined ? undefined : digest(options.key);
  }

  /** @throws ControlForbidden, ControlKeyRefused */
  check(request: Request): void {
    const { headers } = request;
    // HTTP/2 has no Host header: there the name is in the URL.
    const host = headers.get("Host") ?? authorityOf(request);
    if (!this.#allowsHost(hostWithoutPort(host) ?? "")) {
      const rule = "is neither the bound address nor localhost. Allow the name with -control-host.";
      throw new ControlForbidden(
        `Control request refused: its Host ${JSON.stringify(host)} ${rule}`,
        `Control request refused: its Host ${rule}`,
      );
    }
    const site = headers.get("Sec-Fetch-Site");
    if (site !== null && site !== "none" && site !== "same-origin") {
      throw new ControlForbidden(
        "Control request refused: a page of another site sent it.",
      );
    }
    const origin = headers.get("Origin");
    if (origin !== null && origin !== `http://${host}`) {
      throw new ControlForbidden(
        "Control request refused: a page of another origin sent it.",
      );
    }
    if (this.#keyDigest !== undefined) checkKey(bearerOf(request), this.#keyDigest);
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

function checkKey(given: string | undefined, expected: Uint8Array): void {
  if (given === undefined) {
    throw new ControlKeyRefused("Control key missing: send Authorization: Bearer KEY.");
  }
  // Digests have one length, so that comparing takes one time whatever was sent.
  // The runtime reads header values as Latin-1, which gives back the bytes that were sent.
  if (!timingSafeEqual(digest(given, "latin1"), expected)) {
    throw new ControlKeyRefused("Control key refused: it is not the server's.");
  }
}

function digest(text: string, encoding: "utf8" | "latin1" = "utf8"): Uint8Array {
  return createHash("sha256").update(text, encoding).digest();
}
