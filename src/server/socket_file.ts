import type { SocketAddress } from "../lib/address.ts";
import { reasonOf, StartError } from "../lib/errors.ts";

/** A Unix socket that is listened on. */
export interface BoundSocket<Listening> {
  readonly listening: Listening;
  /** Takes the file away, unless another server has put its own in the place. */
  readonly remove: () => void;
}

/**
 * Makes sure that a Unix socket is nobody else's: its file is not there, or is what a server has left that did
 * not stop in order.
 *
 * @param name the listener's, for the message.
 * @throws StartError if a program listens there, or the file is something else.
 */
export async function requireUnusedSocket(name: string, { path }: SocketAddress): Promise<void> {
  const refuse = (reason: string) => {
    throw new StartError(`Cannot listen on unix:${path} (${name} listener): ${reason}.`);
  };
  try {
    if (!Deno.lstatSync(path).isSocket) refuse("a file is there that is no socket");
    (await Deno.connect({ transport: "unix", path })).close();
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return;
    if (error instanceof Deno.errors.ConnectionRefused) return;
    if (error instanceof StartError) throw error;
    refuse(`cannot tell whether it is in use: ${reasonOf(error)}`);
  }
  refuse("a program listens there already");
}

/**
 * Listens on a Unix socket, and replaces a file that is there. At any moment the path leads to a socket with the
 * right permissions, or to what was there before.
 *
 * @param listen listens on a path, or throws.
 */
export function bindSocket<Listening>(
  { path, mode }: SocketAddress,
  listen: (path: string) => Listening,
): BoundSocket<Listening> {
  // Longer names may be too long for a socket.
  const fresh = `${path}.new`;
  removeFile(fresh);
  const listening = listen(fresh);
  Deno.chmodSync(fresh, mode);
  Deno.renameSync(fresh, path);
  const { ino } = Deno.lstatSync(path);
  return { listening, remove: () => removeFile(path, ino) };
}

/** @param ino what the file must be to be removed. Default: anything. */
function removeFile(path: string, ino?: number | null): void {
  try {
    if (ino === undefined || Deno.lstatSync(path).ino === ino) Deno.removeSync(path);
  } catch {
    // It is not there, or may not be removed: then the next start replaces it.
  }
}
