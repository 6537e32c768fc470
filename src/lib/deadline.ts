/**
 * What comes of some work, if it comes within a time; a failure of the work is its own. It is waited
 * for no longer, but goes on.
 *
 * @param ms milliseconds; at most what a timer can wait, some 24 days.
 * @param late called once the time is over; what it returns or throws is the outcome then.
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
