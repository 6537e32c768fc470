/**
 * `deno task clients`: tries the clients and writes what it saw into docs/clients.md.
 *
 * @module
 */
import { SeededRandom } from "../seeded_random.ts";
import { PROJECT_ROOT } from "../server_command.ts";
import { say } from "../tools.ts";
import { tryAvailable } from "./all.ts";
import type { ListedClient } from "./clients.ts";
import { rowOf, withCode, withRows } from "./page.ts";

const PAGE = `${PROJECT_ROOT}docs/clients.md`;

const rows = new Map<ListedClient, string>();
const random = new SeededRandom(crypto.getRandomValues(new Uint32Array(1))[0] ?? 0);
await tryAvailable(random, (client, findings) => {
  rows.set(client, rowOf(client, findings));
  for (const fault of findings.faults) say(`${client.name}: ${fault}`);
});
const page = await Deno.readTextFile(PAGE);
await Deno.writeTextFile(PAGE, await withCode(withRows(page, rows)));
