/**
 * TCP ports for servers that are away for a while and come back to the same address.
 *
 * @module
 */

/**
 * Below the ports that systems give to whoever asks for any: from that range another program could
 * be given the port of a server that is away, or a client that keeps trying to reach it could be
 * connected to itself.
 */
const LEAST = 20_000;
const MOST = 29_999;
const ATTEMPTS = 100;

/**
 * A port of 127.0.0.1 that nobody uses now, and that nobody who does not ask for it is given.
 *
 * @throws {Error} if it finds none.
 */
export function lastingPort(): number {
  for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
    const port = LEAST + Math.floor(Math.random() * (MOST - LEAST + 1));
    try {
      Deno.listen({ hostname: "127.0.0.1", port }).close();
      return port;
    } catch (error) {
      if (!(error instanceof Deno.errors.AddrInUse)) throw error;
    }
  }
  throw new Error(`found no free port from ${LEAST} to ${MOST}`);
}
