/**
 * Waits for some work, but no longer than a time. The work itself is not stopped.
 *
 * @param ms milliseconds; at most the longest time of a timer, some 24 days.
 * @param late called if the time is over first; its result or error is then the outcome.
 * @throws the error of the work, if it fails in time.
 */
export async function within<T, L>(ms: number, work: Promise<T>, late: () => L): Promise<T | L> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const deadline = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, ms);
  }).then(late);
  try {
    return await Promise.race([work, deadline]);
  } finally {
    clearTimeout(timer);
  }
}
