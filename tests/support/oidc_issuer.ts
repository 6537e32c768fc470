/**
 * A real issuer: the npm package oidc-provider over HTTP, with a key set of its own.
 *
 * @module
 */
import { createServer, type Server } from "node:http";
import Provider from "npm:oidc-provider@9.13.3";
import type { IssuerKey } from "./issuer_key.ts";
import { lastingPort } from "./lasting_ports.ts";

const CLIENT_SECRET = "a secret between the issuer and its client";
const AUDIENCE = "sse";
const TOKEN_SECONDS = 3600;

/** An issuer of access tokens for clients that are programs; disposing of it is going away. */
export class OidcIssuer implements AsyncDisposable {
  readonly url: string;
  readonly audience = AUDIENCE;
  readonly #port: number;
  readonly #clients: readonly string[];
  #server: Server | undefined;

  /** @param clients their names, which their tokens have as `sub`. */
  constructor(...clients: readonly string[]) {
    this.#clients = clients;
    this.#port = lastingPort();
    this.url = `http://127.0.0.1:${this.#port}`;
  }

  get keySetUrl(): string {
    return `${this.url}/jwks`;
  }

  /** Serves with these keys from now on: the first signs. */
  async serve(...keys: readonly IssuerKey[]): Promise<void> {
    await this.goAway();
    const handle = providerOf(this.url, this.#clients, keys).callback();
    const server = this.#server = createServer(handle);
    await new Promise<void>((resolve) => server.listen(this.#port, "127.0.0.1", resolve));
  }

  async goAway(): Promise<void> {
    const server = this.#server;
    if (server === undefined) return;
    this.#server = undefined;
    const closed = new Promise((resolve) => server.close(resolve));
    server.closeAllConnections();
    await closed;
  }

  /**
   * A token for a client, as the client gets it.
   *
   * @throws {Error} with the issuer's answer, if it gives none.
   */
  async token(client: string): Promise<string> {
    const response = await fetch(`${this.url}/token`, {
      method: "POST",
      headers: {
        Authorization: `Basic ${btoa(`${client}:${encodeURIComponent(CLIENT_SECRET)}`)}`,
        Connection: "close",
      },
      body: new URLSearchParams({ grant_type: "client_credentials" }),
    });
    const answer = await response.json();
    if (response.ok) return answer.access_token;
    throw new Error(`the issuer answered ${response.status}: ${JSON.stringify(answer)}`);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.goAway();
  }
}

function providerOf(
  url: string,
  clients: readonly string[],
  keys: readonly IssuerKey[],
): Provider {
  return new Provider(url, {
    clients: clients.map((client_id) => ({
      client_id,
      client_secret: CLIENT_SECRET,
      grant_types: ["client_credentials"],
      redirect_uris: [],
      response_types: [],
    })),
    jwks: { keys: keys.map(({ privateJwk }) => privateJwk) },
    ttl: { ClientCredentials: TOKEN_SECONDS },
    features: {
      clientCredentials: { enabled: true },
      devInteractions: { enabled: false },
      resourceIndicators: {
        enabled: true,
        defaultResource: () => "urn:sse",
        useGrantedResource: () => true,
        getResourceServerInfo: () => ({
          scope: "",
          audience: AUDIENCE,
          accessTokenFormat: "jwt",
          accessTokenTTL: TOKEN_SECONDS,
          jwt: { sign: { alg: "RS256" } },
        }),
      },
    },
  });
}
