import { WorkerSilent } from "./errors.ts";

/** For whoever can do without an answer: `undefined` if a worker thread was silent. */
export async function unlessSilent<T>(answer: Promise<T>): Promise<T | undefined> {
  try {
    return await answer;
  } catch (error) {
    if (error instanceof WorkerSilent) return undefined;
    throw error;
  }
}
