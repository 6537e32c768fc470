/**
 * Every client of the table that this machine can run, two at a time.
 *
 * @module
 */
import { SeededRandom } from "../seeded_random.ts";
import { requires } from "../tools.ts";
import { CLIENTS, type ListedClient } from "./clients.ts";
import { type Findings, tryClient } from "./trial.ts";

const LANES = 2;

/**
 * Tries every client whose programs are here, and says which are not.
 *
 * @param onFound Told what was seen of each.
 * @throws {Error} of the first client that could not be tried to the end.
 */
export async function tryAvailable(
  random: SeededRandom,
  onFound: (client: ListedClient, findings: Findings) => void,
): Promise<void> {
  const left = CLIENTS.filter(({ tools }) => !requires(...tools).ignore);
  const lane = async () => {
    for (let client = left.shift(); client !== undefined; client = left.shift()) {
      onFound(client, await tryClient(client, random.fork()));
    }
  };
  const lanes = await Promise.allSettled(Array.from({ length: LANES }, lane));
  for (const result of lanes) if (result.status === "rejected") throw result.reason;
}
