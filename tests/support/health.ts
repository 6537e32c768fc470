/**
 * What the server says of itself.
 *
 * @module
 */
import type { Server } from "./server.ts";

/** The health check's answer to who asks for JSON. */
export interface Health {
  readonly status: string;
  /** `ok`, or why nothing can be published. */
  readonly store: string;
  readonly subscribers: number;
  /** How many streams ended, by their ending's name in snake_case. */
  readonly endings: Readonly<Record<string, number>>;
  /** `ok`, or why keys of issuers are missing; only where key sets are fetched. */
  readonly keys?: string;
}

/**
 * Asks for a server's health.
 *
 * @throws {Error} with status and body, if it is not 200.
 */
export async function healthOf(server: Server): Promise<Health> {
  const response = await server.control("/healthz", { headers: { Accept: "application/json" } });
  const text = await response.text();
  if (response.status !== 200) throw new Error(`${response.status} ${text}`);
  return JSON.parse(text) as Health;
}
