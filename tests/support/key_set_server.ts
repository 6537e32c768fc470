/**
 * An issuer as far as its key set goes: a small HTTP server that can be away, broken, or have other keys.
 *
 * @module
 */
import type { IssuerKey } from "./issuer_key.ts";
import { lastingPort } from "./lasting_ports.ts";

/** Publishes a key set; disposing of it is going away. */
export class KeySetServer implements AsyncDisposable {
  readonly url: string;
  /** What it publishes from now on. */
  keys: readonly IssuerKey[];
  /** How often the set was asked for. */
  requests = 0;
  /** What it answers instead of the set, if anything. */
  instead: (() => Response) | undefined;
  readonly #port: number;
  #server: Deno.HttpServer | undefined;

  constructor(...keys: readonly IssuerKey[]) {
    this.keys = keys;
    this.#port = lastingPort();
    this.url = `http://127.0.0.1:${this.#port}/keys`;
  }

  /** A server that is there. */
  static start(...keys: readonly IssuerKey[]): KeySetServer {
    const server = new KeySetServer(...keys);
    server.comeBack();
    return server;
  }

  comeBack(): void {
    const options = { hostname: "127.0.0.1", port: this.#port, onListen: () => {} };
    this.#server = Deno.serve(options, () => {
      this.requests++;
      const set = { keys: this.keys.map(({ jwk }) => jwk) };
      return this.instead?.() ?? Response.json(set, { headers: { Connection: "close" } });
    });
  }

  async goAway(): Promise<void> {
    await this.#server?.shutdown();
    this.#server = undefined;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.goAway();
  }
}
