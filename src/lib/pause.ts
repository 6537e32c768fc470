/**
 * Lets the event loop look at sockets and timers, between two pieces of work of a few milliseconds. A timer, not an
 * immediate: Deno 2.9.6 runs some ten immediates in a row before it looks at sockets.
 */
export function pause(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, 0));
}
