import { StartGivenUp } from "../lib/errors.ts";

/**
 * Does a part of the server's start, but waits for it no longer once the server is to stop. The part itself is not
 * stopped.
 *
 * @param giveUp aborted when the server is to stop; `undefined` for never.
 * @param part not begun if the server is to stop already.
 * @throws StartGivenUp once the server is to stop; otherwise what the part fails with.
 */
export async function unlessGivenUp<T>(
  giveUp: AbortSignal | undefined,
  part: () => Promise<T>,
): Promise<T> {
  if (giveUp === undefined) return await part();
  const { promise: givenUp, reject } = Promise.withResolvers<never>();
  const stop = () => reject(new StartGivenUp("Told to stop before the server had started."));
  giveUp.addEventListener("abort", stop);
  try {
    if (giveUp.aborted) stop();
    return await (giveUp.aborted ? givenUp : Promise.race([givenUp, part()]));
  } finally {
    giveUp.removeEventListener("abort", stop);
  }
}
