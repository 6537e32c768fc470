/**
 * Free TCP ports, for programs that cannot bind port 0 and say which port they got.
 *
 * @module
 */

/** A port of 127.0.0.1 that was free a moment ago. Another program may take it first: be ready to try again. */
export function freePort(): number {
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const { port } = listener.addr;
  listener.close();
  return port;
}

/** Whether something accepts connections on a port of 127.0.0.1. */
export async function accepts(port: number): Promise<boolean> {
  try {
    const connection = await Deno.connect({ hostname: "127.0.0.1", port });
    connection.close();
    return true;
  } catch (error) {
    if (error instanceof Deno.errors.ConnectionRefused) return false;
    throw error;
  }
}
