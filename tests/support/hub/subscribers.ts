/**
 * Live subscribers by themselves, whose streams are read by hand.
 *
 * @module
 */
import type { Claims } from "../../../src/auth/claims.ts";
import { Subscriber } from "../../../src/hub/subscriber.ts";

/** A subscriber and what its client takes. */
export interface LiveClient {
  readonly subscriber: Subscriber;
  /** The chunks that it has been sent, without their id lines. It reads all of them. */
  readonly chunks: string[];
}

/** When every live client has begun. */
export const OPENED_MS = Date.UTC(2026, 10, 22, 7);

/** Opens a live subscriber at seq 0. */
export function liveClient(
  user: string,
  channels: readonly string[],
  maxBufferBytes = 2 ** 20,
  moreClaims: Partial<Claims> = {},
): LiveClient {
  const claims = { user, channels, expiresAt: undefined, ...moreClaims };
  const subscriber = new Subscriber(claims, { head: 0 }, {
    isEventSource: true,
    greeting: new Uint8Array(),
    maxBufferBytes,
    source: { catchUp: () => {}, fellBehind: () => {}, caughtUp: () => {}, left: () => {} },
    nowMs: 0,
    wallMs: OPENED_MS,
    id: "s-1",
  });
  const client = { subscriber, chunks: [] };
  void read(client);
  return client;
}

async function read({ subscriber, chunks }: LiveClient): Promise<void> {
  const decoder = new TextDecoder();
  for await (const chunk of subscriber.body) {
    const text = decoder.decode(chunk).replaceAll(/^id: .*\n/gm, "");
    if (text !== "") chunks.push(text.trimEnd().replaceAll("\n\n", " ").replaceAll("data: ", ""));
  }
}
